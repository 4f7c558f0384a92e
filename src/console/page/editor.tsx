// A policy as text, with the number of each line and, where lint has something to say, what and where. A plain text area: what a
// browser, a keyboard or a screen reader can do with text, it can do here.

import { useRef } from 'preact/hooks';
import type { Severity } from '../../core/lint/notice.ts';
import type { Problem } from '../../core/problem.ts';
import type { TestCounts } from './judge.ts';

/** Of reading it, of lint, or of a test in it that did not end as it says. */
export interface EditorNotice extends Problem {
  readonly severity: Severity | 'failed';
}

export interface EditorParts {
  readonly text: string;
  readonly notices: readonly EditorNotice[];
  readonly tests: TestCounts;
  readonly onText: (text: string) => void;
  readonly onSave: () => void;
}

export function Editor({ text, notices, tests, onText, onSave }: EditorParts) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const marks = new Map<number, EditorNotice['severity']>();
  for (const { where, severity } of notices) {
    const { line } = placeOf(where);
    const known = marks.get(line);
    if (known === undefined || gravity.indexOf(severity) < gravity.indexOf(known)) marks.set(line, severity);
  }
  const goTo = ({ line, column }: Place): void => {
    const offset = text.split('\n', line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
    area.current?.focus();
    area.current?.setSelectionRange(offset, offset);
  };
  return (
    <>
      <div class="editor">
        <div class="gutter" ref={gutter} aria-hidden="true">
          {text.split('\n').map((_, i) => (
            <span key={`${i + 1}`} class={marks.get(i + 1) ?? ''}>
              {i + 1}
            </span>
          ))}
        </div>
        <textarea
          ref={area}
          value={text}
          aria-label="Policy"
          aria-invalid={notices.some(({ severity }) => severity === 'wrong')}
          aria-describedby="notices"
          spellcheck={false}
          autocapitalize="off"
          wrap="off"
          onInput={(event) => onText(event.currentTarget.value)}
          onScroll={(event) => gutter.current?.scrollTo(0, event.currentTarget.scrollTop)}
          onKeyDown={(event) => {
            if (event.key !== 's' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            onSave();
          }}
        />
      </div>
      {tests.played > 0 && (
        <p class={`small ${tests.failed > 0 ? 'problem' : 'dim'}`} role="status">
          {tests.failed === 0
            ? `${tests.played === 1 ? 'The test' : `All ${tests.played} tests`} in this policy ${tests.played === 1 ? 'holds' : 'hold'}.`
            : `${tests.failed} of ${tests.played} ${tests.played === 1 ? 'test' : 'tests'} in this policy ${tests.failed === 1 ? 'fails' : 'fail'}.`}
        </p>
      )}
      <ul id="notices" class="notices" aria-live="polite">
        {notices.map((notice) => (
          <li key={`${notice.where} ${notice.what}`} class={notice.severity}>
            <button type="button" class="link" onClick={() => goTo(placeOf(notice.where))}>
              line {placeOf(notice.where).line}
            </button>{' '}
            {notice.what}
            {notice.hint !== undefined && <span class="dim"> {notice.hint}</span>}
          </li>
        ))}
      </ul>
    </>
  );
}

/** The gravest first. */
const gravity: readonly EditorNotice['severity'][] = ['wrong', 'failed', 'warning', 'remark'];

interface Place {
  readonly line: number;
  readonly column: number;
}

/** "policy:12:7"; the first line where none is named. */
function placeOf(where: string): Place {
  const [, line = '1', column = '1'] = /:(\d+)(?::(\d+))?$/.exec(where) ?? [];
  return { line: Number(line), column: Number(column) };
}
