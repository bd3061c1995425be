// The part of `node:crypto` that schemas use while they load; the hashing itself is the host's.
(function (rg, host) {
  "use strict";

  const bytesOf = (data, encoding) =>
    typeof data === "string" ? rg.Buffer.from(data, encoding) : rg.Buffer.from(ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data);

  const hash = (algorithm, bytes) => {
    const name = String(algorithm).toLowerCase().replace("-", "");
    const result = host.hash(name, Array.from(bytes));
    if (result === undefined) throw new Error(`the hash \`${algorithm}\` is not available while a schema is read`);
    return rg.Buffer.from(result);
  };

  class Hash {
    #algorithm;
    #parts = [];
    constructor(algorithm) { this.#algorithm = algorithm; }
    update(data, encoding) { this.#parts.push(bytesOf(data, encoding)); return this; }
    digest(encoding) {
      const result = hash(this.#algorithm, rg.Buffer.concat(this.#parts));
      return encoding ? result.toString(encoding) : result;
    }
    copy() { const copy = new Hash(this.#algorithm); for (const it of this.#parts) copy.update(it); return copy; }
  }

  class Hmac {
    #algorithm;
    #key;
    #inner;
    constructor(algorithm, key) {
      const size = /384|512/.test(algorithm) ? 128 : 64;
      const given = bytesOf(key);
      const short = given.length > size ? hash(algorithm, given) : given;
      this.#algorithm = algorithm;
      this.#key = Uint8Array.from({ length: size }, (_, i) => short[i] ?? 0);
      this.#inner = new Hash(algorithm).update(this.#key.map((it) => it ^ 0x36));
    }
    update(data, encoding) { this.#inner.update(data, encoding); return this; }
    digest(encoding) { return new Hash(this.#algorithm).update(this.#key.map((it) => it ^ 0x5c)).update(this.#inner.digest()).digest(encoding); }
  }

  const randomBytes = (length) => crypto.getRandomValues(rg.Buffer.alloc(length));
  const randomInt = (a, b) => (b === undefined ? Math.floor(Math.random() * a) : a + Math.floor(Math.random() * (b - a)));
  const timingSafeEqual = (a, b) => rg.Buffer.from(a).equals(rg.Buffer.from(b));

  rg.crypto = {
    webcrypto: crypto,
    subtle: crypto.subtle,
    getRandomValues: crypto.getRandomValues,
    randomUUID: crypto.randomUUID,
    createHash: (algorithm) => new Hash(algorithm),
    createHmac: (algorithm, key) => new Hmac(algorithm, key),
    hash: (algorithm, data, encoding = "hex") => new Hash(algorithm).update(data).digest(encoding),
    getHashes: () => ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
    randomBytes,
    randomFillSync: crypto.getRandomValues,
    randomInt,
    timingSafeEqual,
  };
})
