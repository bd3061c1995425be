// Stand-ins for what a schema may import but must not do.
//
// `inert` takes the place of database drivers: everything can be called, nothing happens.
// `refused` takes the place of the rest: it can be imported, passed on and extended, and throws
// when it is called.
(function (rg) {
  "use strict";

  const symbolOf = (key) => {
    if (key === Symbol.iterator) return function* () {};
    if (key === Symbol.asyncIterator) return async function* () {};
    if (key === Symbol.toPrimitive) return () => "";
    return undefined;
  };

  const proxy = (read, use) =>
    new Proxy(function () {}, {
      get(target, key) {
        if (typeof key === "symbol") return symbolOf(key);
        // A stand-in is not a promise and not a transpiled module.
        if (key === "then" || key === "__esModule") return undefined;
        if (key === "prototype") return target.prototype;
        return read(key);
      },
      apply: use,
      construct: use,
    });

  rg.inert = () => proxy(rg.inert, rg.inert);

  rg.refused = (name) => {
    const refuse = () => {
      const error = new Error(`\`${name}\` is not available while a schema is read`);
      throw Object.assign(error, { raingaugeRefused: true });
    };
    const self = proxy((key) => (key === "default" ? self : rg.refused(`${name}.${key}`)), refuse);
    return self;
  };

  // An object whose missing members are refused instead of undefined.
  rg.partial = (name, known) =>
    new Proxy(known, {
      get(target, key, self) {
        if (typeof key === "symbol" || key in target) return target[key];
        if (key === "then" || key === "__esModule") return undefined;
        if (key === "default") return self;
        return rg.refused(`${name}.${key}`);
      },
    });
})
