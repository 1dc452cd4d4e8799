import fc from 'fast-check';

const pieces = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style><b>',
  '</title>',
  '</svg><p>',
  ']]>',
  '<!--',
  '-->',
  '&lt;i&gt;',
  'javascript:alert(1)',
  'var(--ink)',
  'url(#x)',
  '{{7*7}}',
  '\u202e',
  '\0',
  '\ud800',
  '__proto__',
] as const;

/** For tests: text of one or a few pieces that markup, styles or scripts would act on, among any other characters. */
export function hostileText(): fc.Arbitrary<string> {
  return fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 12 })), { maxLength: 4 })
    .map((parts) => parts.join(''));
}
