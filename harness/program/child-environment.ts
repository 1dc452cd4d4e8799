import { randomUUID } from 'node:crypto';
import { cacheFolder } from '../project.ts';

/**
 * The only names of our environment that programs see: what compilers and interpreters need, and nothing that could hold a
 * secret. Matched in upper case, since Windows ignores case.
 */
const allowedNames = new Set(
  [
    'PATH HOME USER LOGNAME SHELL TMPDIR TMP TEMP TERM TZ LANG LANGUAGE',
    'SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT USERPROFILE APPDATA LOCALAPPDATA PROGRAMDATA PROGRAMFILES',
    'PROGRAMFILES(X86) COMMONPROGRAMFILES NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE INCLUDE LIB LIBPATH',
    'VCTOOLSINSTALLDIR WINDOWSSDKDIR',
    'CC CXX AR LD CFLAGS CXXFLAGS LDFLAGS CPATH C_INCLUDE_PATH LIBRARY_PATH LD_LIBRARY_PATH DYLD_LIBRARY_PATH',
    'DYLD_FALLBACK_LIBRARY_PATH PKG_CONFIG_PATH SDKROOT DEVELOPER_DIR MACOSX_DEPLOYMENT_TARGET NIX_CC',
    'NIX_CFLAGS_COMPILE NIX_LDFLAGS',
    'CARGO_HOME RUSTUP_HOME RUSTUP_TOOLCHAIN RUSTFLAGS JULIA_DEPOT_PATH JULIA_LOAD_PATH JULIA_NUM_THREADS',
    'JULIA_BINDIR PYTHON PYTHONPATH PYTHONHOME PYENV_ROOT PYENV_VERSION VIRTUAL_ENV CONDA_PREFIX GOROOT GOPATH',
    'GOCACHE GOFLAGS JAVA_HOME DOTNET_ROOT BUN_INSTALL DENO_DIR',
    'OMP_NUM_THREADS OPENBLAS_NUM_THREADS OPENBLAS_CORETYPE OPENBLAS_L2_SIZE MKL_NUM_THREADS',
    'VECLIB_MAXIMUM_THREADS',
  ].flatMap((names) => names.split(' ')),
);

const run = `MICROGPT_BENCH_RUN=${randomUUID()}`;
let started = 0;

/** Marks everything that this run starts: what leaves its process group is found by it. */
export const RUN_MARK = `${run}.`;

/** An environment for one program that is not ours, and its own mark in it. */
export function childEnvironment(): { readonly env: Record<string, string>; readonly mark: string } {
  const allowed = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && (allowedNames.has(entry[0].toUpperCase()) || /^LC_[A-Z]+$/.test(entry[0])),
  );
  started += 1;
  const mark = `${RUN_MARK}${started}`;
  const [markName = '', markValue = ''] = mark.split('=');
  return {
    env: {
      ...Object.fromEntries(allowed),
      // Set from outside, so that it holds for a program's first file too: Node need not load its TypeScript compiler.
      NODE_COMPILE_CACHE: cacheFolder('compile'),
      MICROGPT_BENCH_CACHE: cacheFolder(),
      [markName]: markValue,
    },
    mark,
  };
}
