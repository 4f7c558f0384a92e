// The last line of a test run, for people and programs alike: "N passed, N failed", and the skipped if there are any.

export default class Tally {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
    // A suite that could not even be loaded has no tests to count.
    const line = `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed${skipped}\n`;
    process.once('exit', () => process.stdout.write(line));
  }
}
