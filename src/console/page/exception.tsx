// An exception in the words of the policy, to be put into the text in Try, or copied.

import type { ProposedException } from './judge.ts';

export interface ExceptionParts {
  readonly exception: ProposedException;
  /** It could not be put in. */
  readonly isRefused?: boolean;
  readonly onPut: () => void;
}

export function Exception({ exception: { rule, yaml }, isRefused, onPut }: ExceptionParts) {
  return (
    <div class="exception">
      <pre>{yaml}</pre>
      <div class="bar">
        <button type="button" onClick={onPut}>
          Put it into the policy
        </button>
        <button type="button" onClick={() => void navigator.clipboard.writeText(yaml)}>
          Copy
        </button>
        {isRefused && (
          <p class="problem" role="alert">
            The text is laid out so that this cannot be done: copy it to the rule {rule}.
          </p>
        )}
      </div>
    </div>
  );
}
