// One WebSocket through the tunnel, and what is said on it.
//
// The demonstration's API answers every message once and in order: with the same message, or
// "whoami" with the identity that the gateway gave it. After "receive N" it takes N bytes without
// echoing them and answers each message with the bytes it has so far, so that the progress of a
// file is what has arrived and not what was put into a buffer.

const CHUNK = 256 * 1024;
const AHEAD = 16;

export class Closed extends Error {
  constructor() {
    super();
    this.code = "closed";
  }
}

export class Conversation {
  /** Talk on a WebSocket that is open; `on` has counted(up, down) and closed(event). */
  constructor(socket, on) {
    this.on = on;
    this.waiting = [];
    this.socket = socket;
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => {
      on.counted(0, data.length ?? data.byteLength);
      this.waiting.shift()?.resolve(data);
    };
    this.socket.onclose = (event) => {
      for (const { reject } of this.waiting.splice(0)) reject(new Closed());
      on.closed(event);
    };
  }

  /** Send text or an ArrayBuffer; resolves to the answer. */
  ask(message) {
    return new Promise((resolve, reject) => {
      if (this.socket.readyState !== WebSocket.OPEN) {
        reject(new Closed());
        return;
      }
      this.waiting.push({ resolve, reject });
      this.socket.send(message);
      this.on.counted(message.length ?? message.byteLength, 0);
    });
  }

  /** Send a Blob; `progress` is told how many bytes have arrived. Resolves to the API's SHA-256. */
  async upload(blob, progress) {
    let answer = JSON.parse(await this.ask(`receive ${blob.size}`));
    const answers = [];
    const next = async () => {
      answer = JSON.parse(await answers.shift());
      progress(answer.received);
    };
    for (let start = 0; start < blob.size; start += CHUNK) {
      const chunk = await blob.slice(start, start + CHUNK).arrayBuffer();
      const answered = this.ask(chunk);
      answered.catch(() => {}); // it is awaited below, perhaps after it failed
      answers.push(answered);
      if (answers.length === AHEAD) await next();
    }
    while (answers.length) await next();
    return answer.sha256;
  }

  close() {
    this.socket.close(1000);
  }
}
