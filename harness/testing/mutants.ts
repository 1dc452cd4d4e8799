import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Implementation } from '../program/discover.ts';
import { implementationsRoot } from '../project.ts';

/**
 * For tests only: copies of the analytic implementation with one fault each. They are made by replacing text in its source,
 * so that what is diagnosed is a real implementation, and share nothing with the suspects they are compared with.
 */
export interface Mutant {
  readonly name: string;
  /** What the diagnosis must say. */
  readonly diagnosis: RegExp;
  readonly replacements: readonly Replacement[];
}

interface Replacement {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const replace = (file: string, from: string, to: string): Replacement => ({ file, from, to });
const trainStep = 'losses[i] = trainOn(readBatch(start + step * batch));';

/** Puts back what the step did to the rows of wte that no token of the batch chose. */
const leaveOutIdleRows = `
        const batchOfStep = readBatch(start + step * batch);
        const arrays = [parameters, adam.m, adam.v];
        const before = arrays.map((array) => array.slice());
        losses[i] = trainOn(batchOfStep);
        const touched = new Set(batchOfStep.inputs.subarray(0, batchOfStep.rows));
        for (let token = 0; token < model.vocabSize; token++) {
          const row = [token * model.nEmbd, (token + 1) * model.nEmbd] as const;
          if (!touched.has(token)) arrays.forEach((array, n) => array.set(before[n].subarray(...row), row[0]));
        }`;

export const mutants: readonly Mutant[] = [
  {
    name: 'no-key-value-gradient',
    diagnosis: /keys and values of earlier positions get no gradient/,
    replacements: [
      replace('attention.ts', 'dqkv[k + d] += ds', 'if (j === t) dqkv[k + d] += ds'),
      replace('attention.ts', 'dqkv[v + d] += weight', 'if (j === t) dqkv[v + d] += weight'),
    ],
  },
  {
    name: 'no-scale-of-attention',
    diagnosis: /scale of attention is missing/,
    replacements: [replace('attention.ts', 'const scale = 1 / Math.sqrt(headDim);', 'const scale = 1;')],
  },
  {
    name: 'no-residual-around-attention',
    diagnosis: /residual around attention is missing/,
    replacements: [
      replace(
        'layer.ts',
        'y: accumulate(x),\n    dx: store(dbranch),\n    dw: dw.attnWo',
        'y: store(x),\n    dx: store(dbranch),\n    dw: dw.attnWo',
      ),
      replace('layer.ts', 'projectQkv.backward(rows);', 'projectQkv.backward(rows);\n    dx.fill(0);'),
    ],
  },
  {
    name: 'no-residual-around-mlp',
    diagnosis: /residual around the MLP is missing/,
    replacements: [
      replace('layer.ts', 'y: accumulate(x),\n    dx: storeReluGradient', 'y: store(x),\n    dx: storeReluGradient'),
      replace('layer.ts', 'expand.backward(rows);', 'expand.backward(rows);\n    dx.fill(0);'),
    ],
  },
  {
    name: 'rmsnorm-scale-taken-for-a-constant',
    diagnosis: /rmsnorm's derivative is incomplete/,
    replacements: [replace('rmsnorm.ts', 'scale * (dy[i] - y[i] * mean)', 'scale * (dy[i] - 0 * mean)')],
  },
  {
    name: 'softmax-without-subtraction',
    diagnosis: /softmax does not subtract the maximum first/,
    replacements: [
      replace('softmax.ts', 'values[i] - max;', 'values[i];'),
      replace('softmax.ts', 'exponential(exponent)', 'Math.exp(exponent)'),
      replace('softmax.ts', 'return max + Math.log(total);', 'return Math.log(total);'),
    ],
  },
  {
    name: 'loss-summed',
    diagnosis: /loss is summed over the positions instead of averaged/,
    replacements: [replace('batch.ts', '1 / (batch * count)', '1 / batch')],
  },
  {
    name: 'bias-correction-from-0',
    diagnosis: /bias correction is counted from 0/,
    replacements: [
      replace('adam.ts', 'BETA_1 ** (step + 1)', 'BETA_1 ** step'),
      replace('adam.ts', 'BETA_2 ** (step + 1)', 'BETA_2 ** step'),
    ],
  },
  {
    name: 'bias-correction-ahead',
    diagnosis: /bias correction is one step ahead/,
    replacements: [
      replace('adam.ts', 'BETA_1 ** (step + 1)', 'BETA_1 ** (step + 2)'),
      replace('adam.ts', 'BETA_2 ** (step + 1)', 'BETA_2 ** (step + 2)'),
    ],
  },
  {
    name: 'betas-swapped',
    diagnosis: /β are swapped/,
    replacements: [
      replace('adam.ts', 'const BETA_1 = 0.85;', 'const BETA_1 = 0.99;'),
      replace('adam.ts', 'const BETA_2 = 0.99;', 'const BETA_2 = 0.85;'),
    ],
  },
  {
    name: 'learning-rate-not-decayed',
    diagnosis: /learning rate is not decayed/,
    replacements: [replace('analytic.ts', 'learningRate * (1 - step / numSteps)', 'learningRate * (1 - 0 / numSteps)')],
  },
  {
    name: 'epsilon-inside-the-root',
    diagnosis: /epsilon stands inside the square root/,
    replacements: [replace('adam.ts', ') + epsilon', ' + 1e8 * epsilon * epsilon)')],
  },
  {
    name: 'untouched-rows-left-out',
    diagnosis: /untouched rows are left out of Adam/,
    replacements: [replace('analytic.ts', trainStep, leaveOutIdleRows)],
  },
  {
    name: 'wrong-parameter-order',
    diagnosis: /wrong order: lm_head last/,
    replacements: [
      replace('weights.ts', '    lmHead: next(vocabSize, nEmbd),\n', ''),
      replace('weights.ts', '    })),\n  };', '    })),\n    lmHead: next(vocabSize, nEmbd),\n  };'),
    ],
  },
  {
    name: 'float32-parameters',
    diagnosis: /every parameter is a float32 number, where impl\.json declares float64/,
    replacements: [
      replace(
        'analytic.ts',
        'const parameters = task.parameters.slice();',
        'const parameters = task.parameters.map(Math.fround);',
      ),
      replace('analytic.ts', trainStep, `${trainStep}\n        parameters.set(parameters.map(Math.fround));`),
    ],
  },
];

/** Writes mutants into a folder of their own, beside the contract they import; the caller removes it. */
export async function plantMutants(chosen: readonly Mutant[]): Promise<{
  readonly implementations: readonly Implementation[];
  readonly remove: () => Promise<void>;
}> {
  const root = await mkdtemp(join(tmpdir(), 'microgpt-bench-mutants-'));
  await cp(join(implementationsRoot, 'contract.ts'), join(root, 'contract.ts'));
  const implementations = await Promise.all(chosen.map((mutant) => plant(root, mutant)));
  return { implementations, remove: () => rm(root, { recursive: true }) };
}

async function plant(root: string, { name, replacements }: Mutant): Promise<Implementation> {
  const folder = join(root, name);
  await cp(join(implementationsRoot, 'analytic'), folder, { recursive: true });
  for (const { file, from, to } of replacements) {
    const source = await readFile(join(folder, file), 'utf8');
    const pieces = source.split(from);
    if (pieces.length !== 2) {
      throw new Error(
        `mutant ${name}: expected ${JSON.stringify(from)} once in ${file}, found it ${pieces.length - 1} times`,
      );
    }
    await writeFile(join(folder, file), pieces.join(to));
  }
  return {
    name,
    folder,
    manifest: {
      protocol: 2,
      language: 'TypeScript',
      technique: 'a fault',
      precision: 'float64',
      threads: 1,
      order: 0,
      needs: [],
      run: { module: 'analytic.ts' },
    },
  };
}
