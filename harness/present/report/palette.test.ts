import { describe, expect, it } from 'vitest';
import { languageColors, type Scheme, schemes } from './palette.ts';

type Rgb = readonly [number, number, number];

/**
 * How colours look with each form of colour blindness, on linear RGB: Machado, Oliveira & Fernandes, "A Physiologically-based
 * Model for Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, severity 1.0.
 */
const visions: Readonly<Record<string, readonly [Rgb, Rgb, Rgb]>> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function linear(hex: string): Rgb {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

const dot = (a: Rgb, b: Rgb): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** CIE L*a*b* under D65. */
function lab(rgb: Rgb): Rgb {
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27) * (t / 116) + 16 / 116);
  const x = f(dot([0.4124, 0.3576, 0.1805], rgb) / 0.9505);
  const y = f(dot([0.2126, 0.7152, 0.0722], rgb));
  const z = f(dot([0.0193, 0.1192, 0.9505], rgb) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const contrast = (a: string, b: string): number => {
  const [high, low] = [a, b].map((hex) => dot([0.2126, 0.7152, 0.0722], linear(hex))).sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};

describe.each(['light', 'dark'] as const satisfies readonly Scheme[])('in the %s scheme', (name) => {
  const scheme = schemes[name];

  it.each(['ink', 'muted', 'wrong', 'blue'] as const)('%s can be read: contrast of 4.5 (WCAG 1.4.3)', (color) => {
    expect(contrast(scheme[color], scheme.paper)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(languageColors)('%s stands out from the paper: contrast of 3 (WCAG 1.4.11)', (color) => {
    expect(contrast(scheme[color], scheme.paper)).toBeGreaterThanOrEqual(3);
  });

  it.each(Object.keys(visions))('colours of languages are told apart with %s vision', (vision) => {
    const seen = languageColors.map((color) => {
      const rgb = linear(scheme[color]);
      const [r, g, b] = visions[vision].map((row) => Math.min(1, Math.max(0, dot(row, rgb))));
      return { color, at: lab([r, g, b]) };
    });
    for (const [i, one] of seen.entries())
      for (const other of seen.slice(i + 1)) {
        const distance = Math.hypot(...one.at.map((value, axis) => value - other.at[axis]));
        // Beyond 15 a difference is seen at a glance; neighbouring lines also carry their names.
        expect(distance, `${one.color} and ${other.color}`).toBeGreaterThan(15);
      }
  });
});
