// Labelled names, and what is measured on them: real rows, generic against custom-mail, and the rest of the table of
// bench/naming.mjs.

/** `ip<TAB>name<TAB>label<TAB>subtype<TAB>organisation<TAB>real|synthetic`, a first line of headings. `read` classifies. */
export function readRows(text, read) {
  const lines = text.trim().split('\n').slice(1);
  return lines.map((line) => {
    const [ip, name, label, subtype, organisation, kind] = line.split('\t');
    const signs = read(name, ip === '-' ? '' : ip).evidence.map(({ id }) => id);
    return { ip, name, label, subtype, organisation, real: kind === 'real', signs };
  });
}

export function scoreOf({ bias, weights }, { signs }) {
  return signs.reduce((sum, id) => sum + weights[id], bias);
}

/** `scoreFor(row)`; `thresholdsFor(row)`: { likelyFrom, certainFrom } of the model that the row is judged by. All in percent. */
export function table(rows, scoreFor, thresholdsFor) {
  const judged = rows
    .filter(({ real }) => real)
    .map((row) => ({
      ...row,
      flagged: scoreFor(row) >= thresholdsFor(row).likelyFrom,
      certain: scoreFor(row) >= thresholdsFor(row).certainFrom,
    }));
  const generic = judged.filter(({ label }) => label === 'generic');
  const custom = judged.filter(({ label }) => label === 'custom-mail');
  const share = (of, is = ({ flagged }) => flagged) =>
    of.length === 0 ? undefined : (100 * of.filter(is).length) / of.length;
  const kind = (subtype) => share(generic.filter((row) => row.subtype === subtype));
  const hits = generic.filter(({ flagged }) => flagged).length;
  const false_ = custom.filter(({ flagged }) => flagged).length;
  const precision = (100 * hits) / (hits + false_);
  const recall = share(generic);
  return {
    precision,
    recall,
    f1: (2 * precision * recall) / (precision + recall),
    falsePositives: share(custom),
    infrastructure: share(judged.filter(({ label }) => label === 'other-infrastructure')),
    access: kind('access'),
    static: kind('static'),
    hosting: kind('hosting'),
    placeholder: kind('placeholder'),
    ipv6: share(generic.filter(({ ip }) => ip.includes(':'))),
    certainRecall: share(generic, ({ certain }) => certain),
    certainFalse: custom.filter(({ certain }) => certain).length,
  };
}
