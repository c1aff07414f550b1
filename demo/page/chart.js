// Bytes per second, up and down, over the last half minute.

import { draw, find } from "./dom.js";
import { number, text } from "./texts.js";

const STEP = 250;
const KEPT = 120;
const [WIDTH, HEIGHT] = [600, 120];

export class Chart {
  constructor() {
    this.up = new Line("up");
    this.down = new Line("down");
    this.timer = null;
    for (const line of [0.25, 0.5, 0.75]) {
      const y = HEIGHT * line;
      find("#chart").append(draw("path", { class: "grid", d: `M0 ${y}H${WIDTH}` }));
    }
    find("#chart").append(this.up.path, this.down.path);
  }

  start() {
    this.stop();
    this.up.clear();
    this.down.clear();
    this.last = performance.now();
    this.timer = setInterval(() => this.#sample(), STEP);
  }

  stop() {
    clearInterval(this.timer);
  }

  #sample() {
    const now = performance.now();
    const seconds = (now - this.last) / 1000;
    this.last = now;
    const rates = [this.up.sample(seconds), this.down.sample(seconds)];
    const top = Math.max(1e5, ...this.up.rates, ...this.down.rates);
    this.up.redraw(top);
    this.down.redraw(top);
    const [up, down] = rates.map((rate) => number(rate / 1e6, 1));
    find("#rate").textContent = `↑ ${up} ↓ ${down} ${text("unit.mbs")}`;
  }
}

class Line {
  constructor(name) {
    this.path = draw("path", { class: `rate ${name}` });
    this.clear();
  }

  clear() {
    this.rates = Array(KEPT).fill(0);
    this.bytes = 0;
  }

  count(bytes) {
    this.bytes += bytes;
  }

  sample(seconds) {
    const rate = this.bytes / seconds;
    this.bytes = 0;
    this.rates.push(rate);
    this.rates.shift();
    return rate;
  }

  redraw(top) {
    const points = this.rates.map((rate, index) => {
      const x = index / (KEPT - 1) * WIDTH;
      const y = HEIGHT - 2 - rate / top * (HEIGHT - 8);
      return `${x.toFixed(1)} ${y.toFixed(1)}`;
    });
    this.path.setAttribute("d", `M${points.join("L")}`);
  }
}
