#!/usr/bin/env node
// Runs the bundled program with V8's code cache, which the build leaves beside it: starting compiles next to nothing.
// The bundle is ASCII (scripts/bundle.js), which is read as it lies there.
// A cache of another version of Node is refused by V8, and the program is compiled as usual.
const { readFileSync, writeFileSync } = require('node:fs')
const { Module } = require('node:module')
const { join } = require('node:path')
const { setFlagsFromString } = require('node:v8')
const { Script, constants } = require('node:vm')

// See docs/decisions/0014-scavenges.md. Before anything is compiled: the code cache is only for the flags that it was made with.
setFlagsFromString('--no-parallel-scavenge')

const filename = join(__dirname, '../dist/cli.cjs')
const cacheFile = join(__dirname, '../dist/cli.cache')

function readCache() {
  try {
    return readFileSync(cacheFile)
  } catch {
    return undefined
  }
}

const isMakingCache = process.env['SIBYL_CODE_CACHE'] === 'write'
const program = new Module(filename, null)
program.filename = filename
program.paths = Module._nodeModulePaths(join(__dirname, '../dist'))
const script = new Script(Module.wrap(readFileSync(filename, 'latin1')), {
  filename,
  cachedData: isMakingCache ? undefined : readCache(),
  importModuleDynamically: constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
})
if (isMakingCache) process.once('exit', () => writeFileSync(cacheFile, script.createCachedData()))
script
  .runInThisContext()
  .call(
    program.exports,
    program.exports,
    Module.createRequire(filename),
    program,
    filename,
    join(__dirname, '../dist'),
  )
