// TextEncoder, TextDecoder, base64 and the part of Buffer that schemas use.
(function (rg, host) {
  "use strict";

  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

  const toBase64 = (bytes) => {
    let text = "";
    for (let i = 0; i < bytes.length; i += 3) {
      const n = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
      text += ALPHABET[n >> 18] + ALPHABET[(n >> 12) & 63];
      text += i + 1 < bytes.length ? ALPHABET[(n >> 6) & 63] : "=";
      text += i + 2 < bytes.length ? ALPHABET[n & 63] : "=";
    }
    return text;
  };
  const fromBase64 = (text) => {
    const bytes = [];
    let bits = 0, n = 0;
    for (const char of text.replaceAll("-", "+").replaceAll("_", "/")) {
      const digit = ALPHABET.indexOf(char);
      if (digit < 0) continue;
      n = ((n << 6) | digit) & 0xffffff;
      bits += 6;
      if (bits >= 8) bytes.push((n >> (bits -= 8)) & 255);
    }
    return bytes;
  };
  const fromHex = (text) => (text.match(/^(?:[0-9a-fA-F]{2})*/)[0].match(/../g) ?? []).map((it) => parseInt(it, 16));
  const fromLatin1 = (text) => Array.from(text, (it) => it.charCodeAt(0) & 255);

  // The host takes plain arrays only.
  const decodeUtf8 = (bytes) => host.decode(Array.from(bytes));

  class TextEncoder {
    encoding = "utf-8";
    encode(text = "") { return host.encode(String(text)); }
  }
  class TextDecoder {
    constructor(encoding = "utf-8") { this.encoding = encoding; }
    decode(input) {
      if (input === undefined) return "";
      return decodeUtf8(ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input));
    }
  }

  const decoders = {
    hex: fromHex, base64: fromBase64, base64url: fromBase64,
    latin1: fromLatin1, binary: fromLatin1, ascii: fromLatin1,
  };
  const encoders = {
    hex: (bytes) => Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join(""),
    base64: toBase64,
    base64url: (bytes) => toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
    latin1: (bytes) => Array.from(bytes, (it) => String.fromCharCode(it)).join(""),
  };
  encoders.binary = encoders.ascii = encoders.latin1;

  class Buffer extends Uint8Array {
    static from(value, encoding = "utf8", length = undefined) {
      if (typeof value === "string") {
        const decode = decoders[String(encoding).toLowerCase()] ?? host.encode;
        return new Buffer(decode(value));
      }
      if (value instanceof ArrayBuffer) return new Buffer(value, typeof encoding === "number" ? encoding : 0, length);
      if (value?.type === "Buffer" && Array.isArray(value.data)) return new Buffer(value.data);
      return new Buffer(value);
    }
    static alloc(length, fill = 0) { return new Buffer(length).fill(fill); }
    static allocUnsafe(length) { return new Buffer(length); }
    static isBuffer(value) { return value instanceof Buffer; }
    static isEncoding(name) { return /^(utf-?8|hex|base64|base64url|latin1|binary|ascii)$/i.test(name); }
    static byteLength(value, encoding) { return Buffer.from(value, encoding).length; }
    static concat(list) { return Buffer.from(list.flatMap((it) => Array.from(it))); }
    toString(encoding = "utf8") { return (encoders[String(encoding).toLowerCase()] ?? decodeUtf8)(this); }
    toJSON() { return { type: "Buffer", data: Array.from(this) }; }
    equals(other) { return this.length === other.length && this.every((it, i) => it === other[i]); }
  }

  Object.assign(rg, { Buffer, decodeUtf8, toHex: encoders.hex });
  for (const [name, value] of Object.entries({ TextEncoder, TextDecoder, Buffer,
    btoa: (text) => toBase64(fromLatin1(String(text))),
    atob: (text) => encoders.latin1(fromBase64(String(text))),
  })) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
})
