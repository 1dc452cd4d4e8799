/** A process of its own, where nothing else has shaped what V8 compiles. Prints JSON: the peak, or with `calibrate` the machine's speed. */
import { calibrationMicroseconds, measurePeakGflops } from './simd-peak.ts';

process.stdout.write(JSON.stringify(process.argv[2] === 'calibrate' ? calibrationMicroseconds() : measurePeakGflops()));
