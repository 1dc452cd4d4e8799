/**
 * A process of its own, where nothing else has shaped what V8 compiles. Prints JSON: the peak, with `calibrate` the machine's speed,
 * or with `threads N` the gain of N threads.
 */
import { calibrationMicroseconds, measurePeakGflops } from './simd-peak.ts';
import { measureThreadsGain } from './threads-gain.ts';

const [what, threads] = process.argv.slice(2);
const figure =
  what === 'calibrate'
    ? calibrationMicroseconds()
    : what === 'threads'
      ? await measureThreadsGain(Number(threads))
      : measurePeakGflops();
process.stdout.write(JSON.stringify(figure));
