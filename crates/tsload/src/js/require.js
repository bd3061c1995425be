// CommonJS, and what the module loader asks for: every module that is not an ES module.
(function (rg, host) {
  "use strict";

  const cache = new Map();

  const run = (path) => {
    const folder = path.slice(0, path.lastIndexOf("/")) || "/";
    const require = rg.requireFor(path);
    const module = { id: path, filename: path, path: folder, exports: {}, loaded: false, children: [], paths: [], require };
    cache.set(path, module);
    try {
      host.compile(path).call(module.exports, module.exports, require, module, path, folder);
    } catch (error) {
      cache.delete(path);
      throw error;
    }
    module.loaded = true;
    return module;
  };

  const fileExports = (path) => {
    const known = cache.get(path);
    if (known) return known.exports;
    switch (host.shape(path)) {
      case "module": {
        const module = { exports: host.importNow(path) };
        cache.set(path, module);
        return module.exports;
      }
      case "json": {
        const module = { exports: JSON.parse(host.text(path)) };
        cache.set(path, module);
        return module.exports;
      }
      case "native": return rg.refused(path);
      default: return run(path).exports;
    }
  };

  // Few schemas import a module of Node, and parsing them takes time.
  const builtin = (name) => {
    if (rg.builtin === undefined) host.addBuiltins(rg, host);
    return rg.builtin(name);
  };

  // `target` is what the host's resolver says: `file:…`, `node:…` or `driver:…`.
  rg.get = (target) => {
    const at = target.indexOf(":");
    const [kind, name] = [target.slice(0, at), target.slice(at + 1)];
    if (kind === "node") return builtin(name);
    if (kind === "driver") return rg.inert();
    return fileExports(name);
  };

  rg.requireFor = (path) => {
    const require = (specifier) => rg.get(host.resolve(path, String(specifier)));
    return Object.assign(require, {
      resolve: (specifier) => host.resolve(path, String(specifier)).replace(/^file:/, ""),
      cache: {},
      main: undefined,
      extensions: {},
    });
  };

  // What a module that Node would run as CommonJS gives an ES file that mentions it.
  const scopes = new Map();
  rg.scopeFor = (path) => {
    const exports = {};
    const scope = {
      require: rg.requireFor(path),
      __filename: path,
      __dirname: path.slice(0, path.lastIndexOf("/")) || "/",
      module: { exports, id: path, filename: path },
      exports,
    };
    scopes.set(path, scope);
    return scope;
  };

  // A file with `import` may still assign `module.exports`: transpilers to CommonJS let it.
  const assignedBy = (path) => {
    const scope = scopes.get(path);
    if (scope === undefined) return undefined;
    const { exports } = scope.module;
    return exports !== scope.exports || Object.keys(exports).length > 0 ? exports : undefined;
  };

  const isObject = (it) => it !== null && (typeof it === "object" || typeof it === "function");
  // Node gives the whole of `module.exports` as the default; transpilers look into `default` first.
  rg.defaultOf = (exports, asNode) =>
    !asNode && isObject(exports) && exports.__esModule && "default" in exports ? exports.default : exports;
  rg.memberOf = (exports, name) => (isObject(exports) ? exports[name] : undefined);
  rg.namesOf = (exports) => (isObject(exports) ? Object.keys(exports) : []);

  rg.finished = host.finished;

  // Loads a file of the project as an ES module or as CommonJS, whichever it is.
  rg.load = async (path) => {
    if (host.shape(path) !== "module") return fileExports(path);
    const exports = await import(path);
    return Object.keys(exports).length === 0 ? assignedBy(path) ?? exports : exports;
  };

  // What JSX becomes: nothing renders it here.
  rg.fragment = Symbol("fragment");
  rg.element = (type, props, ...children) => ({ type, props: { ...props, children }, key: null });
})
