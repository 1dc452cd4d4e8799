import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { hostileText } from '../../testing/hostile-text.ts';
import { html, visible } from './html.ts';

describe('a template', () => {
  it('keeps any text text, in content and in attributes', () => {
    fc.assert(
      fc.property(hostileText(), (text) => {
        const { document } = parseHTML(`<body>${html`<p title="${text}">${text}</p>`.markup}</body>`);
        const elements = [...document.querySelectorAll('body *')];
        expect(elements.map(({ tagName }) => tagName)).toEqual(['P']);
        expect(elements[0].getAttributeNames()).toEqual(['title']);
        expect(elements[0].textContent).toBe(visible(text));
        expect(elements[0].getAttribute('title')).toBe(visible(text));
      }),
    );
  });

  it('takes markup as markup, lists end to end, and undefined as nothing', () => {
    expect(html`<ul>${[1, 2].map((n) => html`<li>${n}</li>`)}${undefined}</ul>`.markup).toBe(
      '<ul><li>1</li><li>2</li></ul>',
    );
  });

  it('shows characters that would hide or reorder others by their codes', () => {
    expect(visible('a\u202eb\u0000c')).toBe('a\\u{202e}b\\u{0}c');
  });
});
