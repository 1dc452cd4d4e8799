/** Runs in a process of its own, where nothing else has shaped what V8 compiles; prints JSON: the peak, or with `calibrate` the machine's speed just now. */
import { calibrationMicroseconds, measurePeakGflops } from './simd-peak.ts';

process.stdout.write(JSON.stringify(process.argv[2] === 'calibrate' ? calibrationMicroseconds() : measurePeakGflops()));
