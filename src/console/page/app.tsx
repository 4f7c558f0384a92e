// The frame around the views: who we are, where we are, how the service is. The view is in the address ("#/try"), and what it is about
// behind that ("#/explain/192.0.2.7"), so that back and forward work. Without a token that the service knows there is a form that asks
// for one.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Overview } from '../wire.ts';
import { admit, ask, forgetToken, keepToken, NotAdmitted, token } from './api.ts';
import { ClientsView } from './clients-view.tsx';
import { ExplainView } from './explain-view.tsx';
import { HealthView } from './health-view.tsx';
import { LiveView } from './live-view.tsx';
import { type Polled, usePolled } from './polled.ts';
import { RulesView } from './rules-view.tsx';
import { TryView } from './try-view.tsx';
import { localTime } from './words.tsx';

export interface ViewParts {
  readonly overview: Polled<Overview>;
  readonly onNotAdmitted: () => void;
  /** What the address says that it is about; '' if nothing. */
  readonly about: string;
}

const views = {
  live: { title: 'Live', View: LiveView },
  clients: { title: 'Clients', View: ClientsView },
  rules: { title: 'Rules', View: RulesView },
  try: { title: 'Try', View: TryView },
  explain: { title: 'Explain', View: ExplainView },
  health: { title: 'Health', View: HealthView },
} as const;
type ViewName = keyof typeof views;

export function App() {
  const [isAdmitted, setAdmitted] = useState(token() !== undefined);
  useEffect(() => {
    const look = () => {
      admit();
      if (token() !== undefined) setAdmitted(true);
    };
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  if (!isAdmitted) return <Login onAdmitted={() => setAdmitted(true)} />;
  return (
    <Frame
      onNotAdmitted={() => {
        forgetToken();
        setAdmitted(false);
      }}
    />
  );
}

function Frame({ onNotAdmitted }: Pick<ViewParts, 'onNotAdmitted'>) {
  const { name, about } = usePlace();
  const overview = usePolled<Overview>('/api/overview', 2_000, onNotAdmitted);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const { title, View } = views[name];
  useEffect(() => {
    document.title = `${title} · iprevd`;
    // Who came by keyboard goes on in the new view, not at the end of the old one.
    if (!isFirst.current) {
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [name, about]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header>
        <p class="brand">
          <img src="/icon.svg" alt="" width="22" height="22" /> iprevd
          <span class="dim host">{overview.value?.name}</span>
        </p>
        <nav aria-label="Views">
          {Object.entries(views).map(([key, view]) => (
            <a key={key} href={`#/${key}`} aria-current={key === name ? 'page' : undefined}>
              {view.title}
            </a>
          ))}
        </nav>
        <Condition overview={overview} />
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <h1 class="hidden">{title}</h1>
        {overview.isStale && (
          <p class="stale" role="alert">
            The service does not answer. It is asked again every two seconds
            {overview.value === undefined ? '.' : `; what is shown is from ${localTime(overview.value.at)}.`}
          </p>
        )}
        <View key={about} overview={overview} onNotAdmitted={onNotAdmitted} about={about} />
      </main>
    </>
  );
}

/** How the service is, in one word; the sentence is in Health. */
function Condition({ overview: { value, isStale } }: Pick<ViewParts, 'overview'>) {
  const [kind, text] = isStale
    ? ['bad', 'service does not answer']
    : value === undefined
      ? ['', 'asking …']
      : value.outage
        ? ['bad', 'DNS outage']
        : value.policy.problems.length > 0
          ? ['warn', 'policy has mistakes']
          : value.doors.some(({ masked }) => masked !== undefined)
            ? ['warn', 'clients are masked']
            : value.isReady
              ? ['good', 'ready']
              : ['warn', 'stopping'];
  return (
    <p class={`condition ${kind}`} role="status">
      {text}
    </p>
  );
}

interface Place {
  readonly name: ViewName;
  readonly about: string;
}

function usePlace(): Place {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const look = () => setPlace(readPlace());
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  return place;
}

function readPlace(): Place {
  const [, name = '', about = ''] = /^#\/([a-z]+)(?:\/(.*))?$/.exec(location.hash) ?? [];
  return Object.hasOwn(views, name) ? { name: name as ViewName, about: decoded(about) } : { name: 'live', about: '' };
}

/** '' if it is none of ours. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function Login({ onAdmitted }: { readonly onAdmitted: () => void }) {
  const [trouble, setTrouble] = useState('');
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const given = String(new FormData(event.target as HTMLFormElement).get('token')).trim();
    try {
      await ask('/api/overview', {}, given);
      keepToken(given);
      onAdmitted();
    } catch (error) {
      setTrouble(
        error instanceof NotAdmitted ? 'That is not the token of this service.' : 'The service does not answer.',
      );
    }
  };
  return (
    <main class="login">
      <h1>
        <img src="/icon.svg" alt="" width="28" height="28" /> iprevd
      </h1>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          Token
          <input name="token" type="password" autocomplete="off" required spellcheck={false} />
        </label>
        <button type="submit">Open the console</button>
        <p role="alert">{trouble}</p>
        <p class="dim">
          It stands in the file that the service names when it starts (<code>console.token_file</code>). It stays in
          this tab.
        </p>
      </form>
    </main>
  );
}
