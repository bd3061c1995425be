// Loads the project's files in Node.js as this crate has transpiled and resolved them. Installed packages
// are loaded by Node itself.
(function (rg, ask) {
  "use strict";
  const fs = require("node:fs");
  const vm = require("node:vm");
  const { createRequire } = require("node:module");
  const { dirname } = require("node:path");
  const { pathToFileURL } = require("node:url");
  const isObject = (it) => it !== null && (typeof it === "object" || typeof it === "function");

  const kit = { defineConfig: (it) => it };
  const namespaces = new Map(), commonJs = new Map(), modules = new Map(), scopes = new Map();
  const requireFor = (from) => {
    const native = createRequire(from);
    const require = (specifier) => {
      const [kind, name] = ask("resolve", from, String(specifier), "require");
      if (kind === "kit") return kit;
      if (kind !== "file") return native(specifier);
      if (namespaces.has(name)) return namespaces.get(name);
      const file = ask("file", name);
      if (!file.native && file.shape === "module") throw new Error(`\`${name}\` is an ES module and cannot be required here`);
      return file.native ? native(name) : runCommonJs(name, file.code);
    };
    return Object.assign(require, { resolve: native.resolve, cache: native.cache });
  };
  const runCommonJs = (path, code) => {
    if (commonJs.has(path)) return commonJs.get(path).exports;
    const module = { id: path, filename: path, exports: {}, loaded: false, children: [], paths: [] };
    commonJs.set(path, module);
    const names = ["exports", "require", "module", "__filename", "__dirname"];
    const call = vm.compileFunction(code, names, { filename: path, importModuleDynamically: (specifier) => importFrom(path, specifier) });
    call.call(module.exports, module.exports, requireFor(path), module, path, dirname(path));
    return module.exports;
  };
  rg.scopeFor = (path) => {
    const exports = {};
    const scope = { require: requireFor(path), __filename: path, __dirname: dirname(path), module: { exports, id: path, filename: path }, exports };
    scopes.set(path, scope);
    return scope;
  };
  // Modules of the project can only be evaluated while someone waits: what a file will require is
  // evaluated before the file is.
  const visited = new Set();
  const prepare = async (path, code) => {
    if (visited.has(path)) return;
    visited.add(path);
    for (const [, , specifier] of code.matchAll(/\brequire\(\s*(["'`])(.+?)\1\s*\)/g)) {
      try {
        const [kind, name] = ask("resolve", path, specifier, "require");
        const file = kind === "file" ? ask("file", name) : { native: true };
        if (file.native) continue;
        if (file.shape === "commonjs") await prepare(name, file.code);
        else if (!visited.has(name)) namespaces.set(name, await evaluated("file", name, path));
      } catch { /* It may never be required, or within a `try`. */ }
    }
  };
  const synthetic = (name, exports, asDefault) => {
    const names = rg.namesOf(exports).filter((it) => it !== "default");
    return new vm.SyntheticModule(["default", ...names], function () {
      this.setExport("default", asDefault);
      for (const it of names) this.setExport(it, exports[it]);
    }, { identifier: name });
  };
  const ofCommonJs = (path, exports) => synthetic(path, exports, isObject(exports) && exports.__esModule && "default" in exports ? exports.default : exports);
  const ofNative = async (url) => { const all = await import(url); return synthetic(url, all, all.default); };
  const make = async (kind, name, from) => {
    if (kind === "kit") return synthetic("drizzle-kit", kit, kit);
    if (kind !== "file") return ofNative(kind === "node" ? `node:${name}` : pathToFileURL(createRequire(from).resolve(name)).href);
    const file = ask("file", name);
    if (file.shape === "json") { const content = JSON.parse(fs.readFileSync(name, "utf8")); return synthetic(name, content, content); }
    if (file.native) return file.shape === "commonjs" ? ofCommonJs(name, createRequire(name)(name)) : ofNative(pathToFileURL(name).href);
    await prepare(name, file.code);
    if (file.shape === "commonjs") return ofCommonJs(name, runCommonJs(name, file.code));
    return new vm.SourceTextModule(file.code, {
      identifier: name,
      initializeImportMeta(meta) { meta.url = pathToFileURL(name).href; meta.filename = name; meta.dirname = dirname(name); },
      importModuleDynamically: (specifier) => importFrom(name, specifier),
    });
  };
  const moduleOf = (kind, name, from) => {
    const key = `${kind}:${name}`;
    if (!modules.has(key)) modules.set(key, make(kind, name, from));
    return modules.get(key);
  };
  const linked = new Map();
  const evaluated = async (kind, name, from) => {
    const module = await moduleOf(kind, name, from);
    if (!linked.has(module)) {
      linked.set(module, (async () => {
        if (module.status === "unlinked") await module.link((specifier, { identifier }) => moduleOf(...ask("resolve", identifier, specifier, "import"), identifier));
        await module.evaluate();
      })());
    }
    await linked.get(module);
    return module.namespace;
  };
  const importFrom = (from, specifier) => evaluated(...ask("resolve", from, String(specifier), "import"), from);
  rg.load = async (path) => {
    const file = ask("file", path);
    if (!file.native && file.shape === "commonjs") {
      await prepare(path, file.code);
      return runCommonJs(path, file.code);
    }
    if (file.native) return import(pathToFileURL(path).href);
    const exports = await evaluated("file", path, path);
    const scope = scopes.get(path);
    return Object.keys(exports).length === 0 && scope ? scope.module.exports : exports;
  };
})
