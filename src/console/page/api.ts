// How the page asks the service: with the token, which lives in this tab and nowhere else (sessionStorage is kept apart by port,
// cookies are not). `NotAdmitted` when the service does not know it.

const tokenKey = 'iprevd-token';

/** The token is missing, or not the service's any more. */
export class NotAdmitted extends Error {}

/** Takes a token out of the address ("#token=…"), so that it does not stay in the history. */
export function admit(): void {
  const match = /^#token=([\w~+/.=-]+)$/.exec(location.hash);
  if (match?.[1] === undefined) return;
  keepToken(match[1]);
  history.replaceState(null, '', '#/live');
}

export function keepToken(token: string): void {
  sessionStorage.setItem(tokenKey, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(tokenKey);
}

export function token(): string | undefined {
  return sessionStorage.getItem(tokenKey) ?? undefined;
}

export async function ask<T>(path: string, init: RequestInit = {}, known = token()): Promise<T> {
  return (await (await open(path, init, known)).json()) as T;
}

/** Of an answer that is not good the body still comes: it says why. */
export async function open(path: string, init: RequestInit = {}, known = token()): Promise<Response> {
  if (known === undefined) throw new NotAdmitted();
  const response = await fetch(path, { ...init, headers: { authorization: `Bearer ${known}` } });
  if (response.status === 401 || (response.status === 403 && !isJson(response))) throw new NotAdmitted();
  return response;
}

function isJson(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('application/json') === true;
}

/** The lines of an answer as they come, each parsed. */
export async function* lines<T>(response: Response): AsyncGenerator<T> {
  for await (const some of textLines(response)) for (const line of some) yield JSON.parse(line) as T;
}

/** The same as text, some at a time: to wait for each of many would cost as much as to read it. */
export async function* textLines(response: Response): AsyncGenerator<readonly string[]> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop() ?? '';
    yield parts;
  }
}
