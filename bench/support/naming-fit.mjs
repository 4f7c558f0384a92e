// The weights of the naming classifier fitted to labelled names, by plain logistic regression, to see what the committed ones are
// near, and how well fitted ones do on organisations that they were not fitted to. Full-batch steps, a penalty on large weights; a
// sign that speaks for a template may not get a negative weight, nor one against it a positive one.

import { signIds } from '../../dist/core/naming/sign.js';
import { weights as committed } from '../../dist/core/naming/weights.js';
import { scoreOf } from './naming-rows.mjs';

const steps = 800;
const rate = 0.5;
const penalty = 0.0003;
/** Of the custom names that a threshold is set by, so many may lie above it. */
const falseAllowed = 0.001;
/** Above the highest of them a name is certain, by so much. */
const certainMargin = 0.5;

/** Table over all rows, each judged by a model that has not seen its organisation. */
export function crossValidated(rows, folds, seed, table) {
  const fold = foldsOf(rows, folds, seed);
  const models = Array.from({ length: folds }, (_, out) =>
    refitted(rows.filter((row) => fold.get(row.organisation) !== out)),
  );
  const modelOf = (row) => models[fold.get(row.organisation)];
  return table(rows, (row) => scoreOf(modelOf(row), row), modelOf);
}

/** Weights, and thresholds by the custom names among the same rows. Synthetic rows count a quarter, infrastructure a half. */
export function refitted(rows) {
  const index = new Map(signIds.map((id, i) => [id, i]));
  const examples = rows.map((row) => ({
    features: row.signs.map((id) => index.get(id)),
    generic: row.label === 'generic' ? 1 : 0,
    worth: row.real ? (row.label === 'other-infrastructure' ? 0.5 : 1) : 0.25,
  }));
  const model = descend(examples);
  const custom = rows.filter(({ label }) => label === 'custom-mail').map((row) => scoreOf(model, row));
  custom.sort((a, b) => b - a);
  const likelyFrom = (custom[Math.ceil(custom.length * falseAllowed)] ?? 0) + 0.01;
  return { ...model, likelyFrom, certainFrom: Math.max(likelyFrom, (custom[0] ?? 0) + certainMargin) };
}

function descend(examples) {
  const total = examples.reduce((sum, { worth }) => sum + worth, 0);
  const weights = new Float64Array(signIds.length + 1);
  const seen = new Float64Array(signIds.length + 1);
  const start = signIds.length;
  for (let step = 0; step < steps; step++) {
    const slope = weights.map((weight, i) => (i === start ? 0 : penalty * weight));
    for (const { features, generic, worth } of examples) {
      let sum = weights[start];
      for (const i of features) sum += weights[i];
      const error = ((1 / (1 + Math.exp(-sum)) - generic) * worth) / total;
      slope[start] += error;
      for (const i of features) slope[i] += error;
    }
    for (let i = 0; i <= start; i++) {
      seen[i] += slope[i] * slope[i];
      weights[i] -= (rate * slope[i]) / (Math.sqrt(seen[i]) + 1e-9);
      if (i < start && weights[i] * committed[signIds[i]] < 0) weights[i] = 0;
    }
  }
  return { bias: weights[start], weights: Object.fromEntries(signIds.map((id, i) => [id, weights[i]])) };
}

/** Organisations dealt to folds by a generator with a seed of its own, so that a split is the same tomorrow. */
function foldsOf(rows, folds, seed) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x80000000;
  };
  const fold = new Map();
  for (const { organisation } of rows)
    if (!fold.has(organisation)) fold.set(organisation, Math.floor(random() * folds));
  return fold;
}
