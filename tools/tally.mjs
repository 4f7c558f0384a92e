// The end of a test run, for people and programs alike: which suites were skipped and for want of what, then one line,
// "N passed, N failed", and the skipped if there are any.

export default class Tally {
  #skipped = new Set();

  onTestResult(_test, { testResults }) {
    for (const { status, ancestorTitles } of testResults) {
      if (status === 'pending' && ancestorTitles[0]?.includes('(not installed: ')) this.#skipped.add(ancestorTitles[0]);
    }
  }

  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    const skips = [...this.#skipped].map((title) => `skipped: ${title}\n`);
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
    // A suite that could not even be loaded has no tests to count.
    const line = `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed${skipped}\n`;
    process.once('exit', () => process.stdout.write(skips.join('') + line));
  }
}
