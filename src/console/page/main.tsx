// Where the page begins: a token in the address is taken out of it before anything is shown.

import { render } from 'preact';
import { admit } from './api.ts';
import { App } from './app.tsx';

admit();
render(<App />, document.body);
