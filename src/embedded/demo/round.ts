// Figures with as many digits as say something.

/** To at most three digits after the point. */
export const round = (value: number): number => Math.round(value * 1_000) / 1_000;
