// What deploy/prometheus holds, and what /metrics says, by Prometheus' own judge.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startConsoled } from '../support/console.ts';
import { projectFolder, run } from '../support/processes.ts';
import { describeWith, whereIs } from '../support/programs.ts';

const folder = join(projectFolder, 'deploy/prometheus');

describeWith(['promtool'], 'promtool', () => {
  test.each([
    ['check', 'rules', 'iprevd.rules.yml'],
    ['test', 'rules', 'iprevd.rules.test.yml'],
    ['check', 'config', '--syntax-only', 'prometheus.yml'],
  ])('%s %s %s', async (...args) => {
    const { code, output } = await run('promtool', args, { cwd: folder });
    expect([code, output]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  test('the metrics of a running service, hostile names and all', async () => {
    const it = await startConsoled();
    try {
      for (const address of ['192.0.2.1', '192.0.2.5', '192.0.2.6', '192.0.2.7']) await it.client(address, '"}\\n{<b>');
      const { body } = await it.get('/metrics');
      const { status, stdout, stderr } = spawnSync(whereIs('promtool') ?? '', ['check', 'metrics'], {
        input: body,
        encoding: 'utf8',
      });
      expect([status, stdout + stderr]).toEqual([0, '']);
    } finally {
      await it.stop();
    }
  });
});
