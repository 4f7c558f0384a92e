// The console's page for a browser: what tsc has made of it and of src/core, with the packages that they need, in a few files below
// dist/console/assets. Nothing is shortened, so that who runs it can read it. The bundler is JavaScript and WebAssembly alone.

import { cpSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { rollup } from '@rollup/wasm-node';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const assets = path('dist/console/assets');

mkdirSync(assets, { recursive: true });
for (const name of ['index.html', 'style.css', 'icon.svg'])
  cpSync(path(`src/console/page/${name}`), `${assets}/${name}`);
cpSync(path('node_modules/uplot/dist/uPlot.min.css'), `${assets}/uplot.css`);

const bundle = await rollup({
  input: { main: path('dist/console/page/main.js'), judge: path('dist/console/page/judge.js') },
  plugins: [nodeResolve({ browser: true }), commonjs()],
  onwarn(warning, warn) {
    // Of packages, and theirs to mend.
    if (!['CIRCULAR_DEPENDENCY', 'INVALID_ANNOTATION', 'THIS_IS_UNDEFINED'].includes(warning.code ?? '')) warn(warning);
  },
});
await bundle.write({ dir: assets, format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name].js' });
await bundle.close();
