// The modules of Node. What is not here can be imported and throws when it is called.
(function (rg, host) {
  "use strict";

  const posix = (() => {
    const normalizeParts = (path, absolute) => {
      const parts = [];
      for (const part of path.split("/")) {
        if (part === "" || part === ".") continue;
        if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
        else if (part !== ".." || !absolute) parts.push(part);
      }
      return parts.join("/");
    };
    const isAbsolute = (path) => path.startsWith("/");
    const normalize = (path) => {
      const inner = normalizeParts(path, isAbsolute(path));
      const end = path.endsWith("/") && inner !== "" ? "/" : "";
      return (isAbsolute(path) ? `/${inner}` : inner || ".") + end;
    };
    const join = (...parts) => normalize(parts.filter((it) => it !== "").join("/") || ".");
    const resolve = (...parts) => {
      let path = "";
      for (const part of [host.root, ...parts]) path = isAbsolute(part) ? part : `${path}/${part}`;
      return `/${normalizeParts(path, true)}`;
    };
    const dirname = (path) => {
      const trimmed = path.replace(/(?<=.)\/+$/, "");
      const at = trimmed.lastIndexOf("/");
      return at < 0 ? "." : trimmed.slice(0, at) || "/";
    };
    const basename = (path, suffix = "") => {
      const name = path.replace(/\/+$/, "").split("/").at(-1);
      return suffix !== "" && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
    };
    const extname = (path) => basename(path).match(/(?<=.)\.[^.]*$/)?.[0] ?? "";
    const relative = (from, to) => {
      const [a, b] = [resolve(from), resolve(to)].map((it) => it.split("/").filter(Boolean));
      let same = 0;
      while (same < a.length && same < b.length && a[same] === b[same]) same++;
      return [...a.slice(same).map(() => ".."), ...b.slice(same)].join("/");
    };
    const parse = (path) => {
      const [base, ext] = [basename(path), extname(path)];
      return { root: isAbsolute(path) ? "/" : "", dir: dirname(path), base, ext, name: basename(base, ext) };
    };
    const format = (it) => (it.dir ? `${it.dir}/` : it.root ?? "") + (it.base ?? `${it.name}${it.ext ?? ""}`);
    const path = { sep: "/", delimiter: ":", isAbsolute, normalize, join, resolve, dirname, basename, extname, relative, parse, format, toNamespacedPath: (it) => it };
    return Object.assign(path, { posix: path, win32: path });
  })();

  const fileURLToPath = (url) => decodeURIComponent(new URL(url).pathname);
  const pathToFileURL = (path) => new URL(`file://${encodeURI(posix.resolve(path)).replaceAll("?", "%3F").replaceAll("#", "%23")}`);

  const fs = (() => {
    const where = (path) => posix.resolve(path instanceof URL || String(path).startsWith("file://") ? fileURLToPath(path) : String(path));
    const missing = (path, call) =>
      Object.assign(new Error(`ENOENT: no such file or directory, ${call} '${path}'`), { code: "ENOENT", errno: -2, path, syscall: call });
    const kindOf = (path) => host.kind(where(path));
    const readFileSync = (path, options) => {
      const bytes = host.read(where(path));
      if (bytes === undefined) throw missing(path, "open");
      const encoding = typeof options === "string" ? options : options?.encoding;
      const buffer = rg.Buffer.from(bytes);
      return encoding ? buffer.toString(encoding) : buffer;
    };
    const statSync = (path, options) => {
      const kind = kindOf(path);
      if (kind === undefined && options?.throwIfNoEntry === false) return undefined;
      if (kind === undefined) throw missing(path, "stat");
      return { isFile: () => kind === "file", isDirectory: () => kind === "directory", isSymbolicLink: () => false, isFIFO: () => false };
    };
    const readdirSync = (path, options) => {
      const names = host.list(where(path));
      if (names === undefined) throw missing(path, "scandir");
      if (!options?.withFileTypes) return names;
      return names.map((name) => Object.assign(statSync(posix.join(where(path), name)), { name, parentPath: where(path) }));
    };
    const accessSync = (path) => void statSync(path);
    const realpathSync = Object.assign((path) => where(path), { native: (path) => where(path) });
    const sync = { readFileSync, statSync, lstatSync: statSync, readdirSync, accessSync, realpathSync };
    const promises = {}, callbacks = {};
    for (const [name, call] of Object.entries(sync)) {
      const plain = name.replace("Sync", "");
      promises[plain] = async (...args) => call(...args);
      callbacks[plain] = (...args) => {
        const done = args.pop();
        promises[plain](...args).then((it) => done(null, it), done);
      };
    }
    return {
      ...sync,
      ...callbacks,
      existsSync: (path) => kindOf(path) !== undefined,
      constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 },
      promises: rg.partial("fs.promises", promises),
    };
  })();

  class EventEmitter {
    #listeners = new Map();
    on(name, call) { this.#listeners.set(name, [...this.listeners(name), call]); return this; }
    once(name, call) {
      const once = (...args) => { this.off(name, once); call.apply(this, args); };
      return this.on(name, once);
    }
    off(name, call) { this.#listeners.set(name, this.listeners(name).filter((it) => it !== call)); return this; }
    emit(name, ...args) {
      for (const call of this.listeners(name)) call.apply(this, args);
      return this.listenerCount(name) > 0;
    }
    listeners(name) { return this.#listeners.get(name) ?? []; }
    listenerCount(name) { return this.listeners(name).length; }
    addListener(name, call) { return this.on(name, call); }
    removeListener(name, call) { return this.off(name, call); }
    removeAllListeners() { this.#listeners.clear(); return this; }
    setMaxListeners() { return this; }
    static defaultMaxListeners = 10;
  }
  Object.assign(EventEmitter, { EventEmitter, default: EventEmitter });

  const inspect = Object.assign((value) => {
    try { return typeof value === "string" ? `'${value}'` : JSON.stringify(value) ?? String(value); } catch { return String(value); }
  }, { custom: Symbol.for("nodejs.util.inspect.custom"), defaultOptions: {} });
  const util = {
    inspect,
    format: (...args) => args.map((it) => (typeof it === "string" ? it : inspect(it))).join(" "),
    promisify: (call) => (...args) => new Promise((done, fail) => call(...args, (error, value) => (error ? fail(error) : done(value)))),
    callbackify: (call) => (...args) => { const done = args.pop(); call(...args).then((it) => done(null, it), done); },
    inherits: (type, parent) => { Object.setPrototypeOf(type.prototype, parent.prototype); Object.setPrototypeOf(type, parent); },
    deprecate: (call) => call,
    debuglog: () => Object.assign(() => {}, { enabled: false }),
    isDeepStrictEqual: (a, b) => inspect(a) === inspect(b),
    stripVTControlCharacters: (text) => text.replace(/\u001b\[[0-9;]*m/g, ""),
    types: { isDate: (it) => it instanceof Date, isRegExp: (it) => it instanceof RegExp, isPromise: (it) => it instanceof Promise, isProxy: () => false, isUint8Array: (it) => it instanceof Uint8Array },
    TextEncoder, TextDecoder,
  };

  const assert = (value, message = "assertion failed") => {
    if (!value) throw message instanceof Error ? message : new Error(message);
  };
  Object.assign(assert, {
    ok: assert, strict: assert, default: assert,
    equal: (a, b, message) => assert(a == b, message),
    strictEqual: (a, b, message) => assert(Object.is(a, b), message),
    notStrictEqual: (a, b, message) => assert(!Object.is(a, b), message),
    deepStrictEqual: (a, b, message) => assert(util.isDeepStrictEqual(a, b), message),
  });

  class AsyncLocalStorage {
    #store;
    getStore() { return this.#store; }
    enterWith(store) { this.#store = store; }
    run(store, call, ...args) {
      const before = this.#store;
      this.#store = store;
      try { return call(...args); } finally { this.#store = before; }
    }
  }

  class Stream extends EventEmitter {
    pipe(to) { return to; }
    destroy() { return this; }
    end() { return this; }
  }
  const streams = { Stream, Readable: class extends Stream {}, Writable: class extends Stream {}, Duplex: class extends Stream {}, Transform: class extends Stream {}, PassThrough: class extends Stream {} };

  const os = {
    EOL: "\n", platform: () => host.platform, type: () => "", release: () => "", arch: () => "x64", hostname: () => "localhost",
    homedir: () => "/", tmpdir: () => "/tmp", cpus: () => [], totalmem: () => 0, freemem: () => 0, endianness: () => "LE", userInfo: () => ({ username: "" }),
  };
  const timers = { setTimeout, setImmediate, setInterval, clearTimeout, clearImmediate, clearInterval };
  const known = {
    fs,
    path: posix,
    os,
    util,
    assert,
    timers,
    process,
    "fs/promises": fs.promises,
    "path/posix": posix,
    "path/win32": posix,
    "util/types": util.types,
    "assert/strict": assert,
    "timers/promises": { setTimeout: async (_, value) => value, setImmediate: async (value) => value },
    events: EventEmitter,
    url: { URL, URLSearchParams, fileURLToPath, pathToFileURL, parse: (text) => ({ ...new URL(text), href: text }) },
    buffer: { Buffer: rg.Buffer, Blob, File, atob, btoa },
    crypto: rg.crypto,
    stream: Object.assign(Stream, streams),
    string_decoder: { StringDecoder: class { write(bytes) { return rg.decodeUtf8(bytes); } end() { return ""; } } },
    async_hooks: { AsyncLocalStorage, AsyncResource: class {} },
    perf_hooks: { performance },
    diagnostics_channel: { channel: () => ({ hasSubscribers: false, publish() {} }) },
    worker_threads: { isMainThread: true, parentPort: null, workerData: undefined },
    tty: { isatty: () => false },
    // drizzle-kit listens to keys as soon as it is loaded; what it would ask is refused.
    readline: { emitKeypressEvents() {} },
    module: { createRequire: (from) => rg.requireFor(String(from).startsWith("file:") ? fileURLToPath(from) : from), builtinModules: [] },
    // The kit's own helper for typed configuration; the kit itself is never loaded.
    "drizzle-kit": { defineConfig: (it) => it },
  };

  const made = new Map();
  // The module of Node (or of Drizzle Kit) with this name, without `node:`.
  rg.builtin = (name) => {
    if (!made.has(name)) {
      const impl = known[name];
      made.set(name, impl === undefined ? rg.refused(name) : typeof impl === "function" ? impl : rg.partial(name, impl));
    }
    return made.get(name);
  };
})
