// What was measured, as lines for people: a row for each number of questions in flight, medians, ratios with the least they
// should be, and what was lost or wrong over all counted rounds.

const names = ['ours', 'node', 'floor'];
const placeWords = { apart: 'a CPU each', together: 'one CPU', none: 'as scheduled' };

export function table({ rounds, cpuAt, levels }) {
  const head = [
    'in flight',
    'placed',
    ...names,
    'ours/node',
    'ours/floor',
    'target',
    ...names.map((name) => `${name} lost/wrong`),
  ];
  const rows = levels.map((level) => [
    `${level.inFlight}`,
    placeWords[level.place],
    ...names.map((name) => level[name].perSecond.toFixed(0)),
    ratio(level.ratios.node, level.target.node),
    ratio(level.ratios.floor, level.target.floor),
    level.ok ? 'ok' : 'missed',
    ...names.map((name) => `${level[name].lost}/${level[name].wrong}`),
  ]);
  const checks = levels.map((level) => level.checks).join(', ');
  const cpu = levels.find(({ inFlight }) => inFlight === cpuAt);
  return [
    `Checks per second, medians of ${rounds} rounds of ${checks} checks; placed: on which CPUs this process and unbound run`,
    '',
    ...aligned([head, ...rows]),
    '',
    `CPU per check at ${cpuAt} in flight: ${names.map((name) => `${name} ${cpu[name].cpuMicroseconds.toFixed(0)} us`).join(', ')}`,
  ].join('\n');
}

function ratio(got, target) {
  return target > 0 ? `${got.toFixed(2)} (>= ${target})` : got.toFixed(2);
}

function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join('  '));
}
