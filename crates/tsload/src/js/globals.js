// The globals of Node that schema files and the packages they import touch at load time.
(function (rg, host) {
  "use strict";

  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  const defineMissing = (name, value) => {
    if (!(name in globalThis)) define(name, value);
  };

  const silent = () => {};
  define("global", globalThis);
  define("console", new Proxy({}, { get: () => silent }));

  // Names that were asked for, for the report; values stay here.
  rg.envNames = new Set();
  const env = new Proxy(JSON.parse(host.env), {
    get(target, key) {
      if (typeof key === "string") rg.envNames.add(key);
      return target[key];
    },
    set(target, key, value) {
      target[key] = String(value);
      return true;
    },
  });

  const known = {
    env,
    argv: ["node", "drizzle-kit"],
    execArgv: [],
    execPath: "node",
    platform: host.platform,
    arch: "x64",
    pid: 1,
    title: "node",
    version: "v20.19.0",
    versions: { node: "20.19.0" },
    release: { name: "node" },
    stdout: { isTTY: false, write: () => true },
    stderr: { isTTY: false, write: () => true },
    cwd: () => host.root,
    uptime: () => 0,
    hrtime: Object.assign(() => [0, 0], { bigint: () => 0n }),
    memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0 }),
    emitWarning: silent,
    nextTick: (call, ...args) => queueMicrotask(() => call(...args)),
  };
  for (const name of ["on", "once", "off", "addListener", "removeListener", "removeAllListeners"]) {
    known[name] = () => process;
  }
  define("process", rg.partial("process", known));

  // Timers run when nothing else is left to do, in order of their delay, without waiting.
  const timers = [];
  let lastTimer = 0;
  const start = (call, delay, args) => {
    const timer = { id: ++lastTimer, delay: Number(delay) || 0, call, args };
    timers.push(timer);
    return Object.assign(timer, { ref: () => timer, unref: () => timer, hasRef: () => false, [Symbol.toPrimitive]: () => timer.id });
  };
  const stop = (timer) => {
    const at = timers.findIndex((it) => it === timer || it.id === timer);
    if (at >= 0) timers.splice(at, 1);
  };
  rg.runTimer = () => {
    if (timers.length === 0) return false;
    const next = timers.reduce((first, it) => (it.delay < first.delay ? it : first));
    stop(next);
    next.call(...next.args);
    return true;
  };
  define("setTimeout", (call, delay, ...args) => start(call, delay, args));
  define("setImmediate", (call, ...args) => start(call, 0, args));
  // An interval that ran would never end.
  define("setInterval", () => start(silent, 0, []));
  for (const name of ["clearTimeout", "clearImmediate", "clearInterval"]) define(name, stop);
  defineMissing("queueMicrotask", (call) => void Promise.resolve().then(call));
  defineMissing("performance", { now: () => Date.now(), timeOrigin: 0, mark: silent, measure: silent });

  const clone = (value, seen) => {
    if (typeof value === "function" || typeof value === "symbol") throw new TypeError("could not be cloned");
    if (typeof value !== "object" || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    if (value instanceof Date) return new Date(value);
    if (value instanceof RegExp) return new RegExp(value);
    if (ArrayBuffer.isView(value)) return value.slice();
    const copy = Array.isArray(value) ? [] : value instanceof Map ? new Map() : value instanceof Set ? new Set() : {};
    seen.set(value, copy);
    if (value instanceof Map) for (const [key, it] of value) copy.set(clone(key, seen), clone(it, seen));
    else if (value instanceof Set) for (const it of value) copy.add(clone(it, seen));
    else for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
    return copy;
  };
  defineMissing("structuredClone", (value) => clone(value, new Map()));

  defineMissing("Event", class Event { constructor(type) { this.type = type; } });
  defineMissing("EventTarget", class EventTarget { addEventListener() {} removeEventListener() {} dispatchEvent() { return true; } });
  defineMissing("AbortController", class AbortController {
    signal = Object.assign(new EventTarget(), { aborted: false, reason: undefined, throwIfAborted() {} });
    abort(reason) { Object.assign(this.signal, { aborted: true, reason }); }
  });
  for (const name of ["Request", "Response", "Headers", "FormData", "Blob", "File", "ReadableStream", "WritableStream", "TransformStream"]) {
    defineMissing(name, class { static [Symbol.toStringTag] = name; });
  }
  for (const name of ["fetch", "WebSocket", "XMLHttpRequest"]) defineMissing(name, rg.refused(name));
  // The engine knows no languages: what it would print is not what Node prints.
  const Formatter = (name, methods) => class {
    static supportedLocalesOf() { return ["en-US"]; }
    constructor() { for (const it of methods) this[it] = rg.refused(`Intl.${name}.${it}`); }
    resolvedOptions() { return { locale: "en-US", timeZone: "UTC" }; }
  };
  const formatters = { DateTimeFormat: ["format", "formatToParts", "formatRange"], NumberFormat: ["format", "formatToParts"], PluralRules: ["select"], RelativeTimeFormat: ["format"], ListFormat: ["format"], DisplayNames: ["of"], Segmenter: ["segment"], Collator: [] };
  defineMissing("Intl", Object.fromEntries(Object.entries(formatters).map(([name, methods]) => [name, Formatter(name, methods)])));
  Intl.Collator.prototype.compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  for (const [type, names] of [[Date, ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]], [Number, ["toLocaleString"]], [BigInt, ["toLocaleString"]]]) {
    for (const name of names) Object.defineProperty(type.prototype, name, { value: rg.refused(`${type.name}.${name}`), writable: true, configurable: true });
  }

  // Nothing that is computed here is ever stored, so this need not be a strong generator.
  const random = (array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(Math.random() * 256);
    return array;
  };
  define("crypto", rg.partial("crypto", {
    getRandomValues: random,
    randomUUID() {
      const bytes = random(new Uint8Array(16));
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const hex = Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    },
  }));
})
