// The agent's API as a page calls it: one WebSocket for each call, one JSON object each way.

export class Refused extends Error {
  /** The agent answered, and said no: `code` is a stable word, `message` its sentence. */
  constructor(code, reason) {
    super(reason);
    this.code = code;
  }
}

export class Unreachable extends Error {
  /** Nobody answered at the agent's address. */
  constructor(url) {
    super(url);
    this.code = "agent_unreachable";
  }
}

/** Call one function; resolves to the reply, rejects with Refused or Unreachable. */
export function call(url, plugin, name, parameters = []) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send(JSON.stringify({
      ...(plugin ? { plugin } : {}),
      name,
      ...(parameters.length ? { arguments: parameters } : {}),
    }));
    socket.onmessage = ({ data }) => {
      const reply = JSON.parse(data);
      if (reply.success) resolve(reply);
      else reject(new Refused(reply.code ?? "", reply.reason ?? ""));
      socket.close();
    };
    socket.onclose = () => reject(new Unreachable(url));
  });
}
