// URL and URLSearchParams; the parsing itself is the host's.
(function (rg, host) {
  "use strict";

  const encode = (text) => encodeURIComponent(text).replaceAll("%20", "+").replace(/[!'()~]/g, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`);
  const decode = (text) => {
    const spaced = text.replaceAll("+", " ");
    try { return decodeURIComponent(spaced); } catch { return spaced; }
  };

  class URLSearchParams {
    #pairs = [];
    #changed = () => {};
    constructor(init = "", changed) {
      if (changed) this.#changed = changed;
      if (typeof init === "string") {
        for (const part of init.replace(/^\?/, "").split("&").filter(Boolean)) {
          const [name, ...value] = part.split("=");
          this.#pairs.push([decode(name), decode(value.join("="))]);
        }
      } else {
        const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
        for (const [name, value] of pairs) this.#pairs.push([String(name), String(value)]);
      }
    }
    get size() { return this.#pairs.length; }
    get(name) { return this.#pairs.find((it) => it[0] === name)?.[1] ?? null; }
    getAll(name) { return this.#pairs.filter((it) => it[0] === name).map((it) => it[1]); }
    has(name) { return this.#pairs.some((it) => it[0] === name); }
    append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(this); }
    delete(name) { this.#pairs = this.#pairs.filter((it) => it[0] !== name); this.#changed(this); }
    set(name, value) {
      const at = this.#pairs.findIndex((it) => it[0] === name);
      this.#pairs = this.#pairs.filter((it, i) => it[0] !== name || i === at);
      if (at < 0) this.#pairs.push([String(name), String(value)]);
      else this.#pairs[this.#pairs.findIndex((it) => it[0] === name)][1] = String(value);
      this.#changed(this);
    }
    sort() { this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)); this.#changed(this); }
    forEach(call) { for (const [name, value] of this.#pairs) call(value, name, this); }
    *entries() { yield* this.#pairs; }
    *keys() { for (const it of this.#pairs) yield it[0]; }
    *values() { for (const it of this.#pairs) yield it[1]; }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return this.#pairs.map((it) => it.map(encode).join("=")).join("&"); }
  }

  class URL {
    #parts;
    constructor(href, base) {
      const parts = host.urlParse(String(href), base === undefined ? null : String(base));
      if (parts === undefined) throw Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL" });
      this.#parts = JSON.parse(parts);
      this.searchParams = new URLSearchParams(this.#parts.search, (it) => { this.search = it.toString(); });
    }
    static canParse(href, base) { return host.urlParse(String(href), base === undefined ? null : String(base)) !== undefined; }
    get origin() { return this.#parts.origin; }
    toString() { return this.href; }
    toJSON() { return this.href; }
    static {
      for (const name of ["href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"]) {
        Object.defineProperty(URL.prototype, name, {
          enumerable: true,
          configurable: true,
          get() { return this.#parts[name]; },
          set(value) { this.#parts = JSON.parse(host.urlSet(this.#parts.href, name, String(value))); },
        });
      }
    }
  }

  for (const [name, value] of Object.entries({ URL, URLSearchParams })) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
})
