/** Measures the peak in a process of its own, where nothing else has shaped what V8 compiles; prints it as JSON. */
import { measurePeakGflops } from './simd-peak.ts';

process.stdout.write(JSON.stringify(measurePeakGflops()));
