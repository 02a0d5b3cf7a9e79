// Cost of the commit log: records of 250 bytes in turns of 32, as one busy event loop writes them.
//   node --experimental-strip-types is not needed: run with `npx vite-node bench/commitlog.js`, or after a build
