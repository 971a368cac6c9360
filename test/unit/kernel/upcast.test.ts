import { describe, expect, test } from '@jest/globals';
import { createUpcast } from '../../../src/kernel/upcast.ts';

const toSecond = {
  from: 'a.v1.Opened',
  to: 'a.v2.Opened',
  upcast: (data: object) => ({ ...data, currency: 'USD' }),
};
const toThird = {
  from: 'a.v2.Opened',
  to: 'a.v3.Opened',
  upcast: ({ currency }: { currency?: string }) => ({ currencies: [currency ?? ''] }),
};

describe('upcasting', () => {
  test('turns an old event into the newest form, step by step', () => {
    const upcast = createUpcast([toThird, toSecond]);
    expect(upcast('a.v1.Opened', { name: 'x' })).toEqual({
      type: 'a.v3.Opened',
      data: { currencies: ['USD'] },
    });
    expect(upcast('a.v2.Opened', { currency: 'EUR' })).toEqual({
      type: 'a.v3.Opened',
      data: { currencies: ['EUR'] },
    });
  });

  test('leaves others as they are', () => {
    const data = { name: 'x' };
    expect(createUpcast([toSecond])('b.v1.Opened', data)).toEqual({ type: 'b.v1.Opened', data });
  });

  test('refuses two successors, and circles', () => {
    expect(() => createUpcast([toSecond, toSecond])).toThrow('two upcasters from a.v1.Opened');
    const back = {
      from: 'a.v2.Opened',
      to: 'a.v1.Opened',
      upcast: (data: object) => ({ ...data }),
    };
    expect(() => createUpcast([toSecond, back])).toThrow('go in a circle');
  });
});
