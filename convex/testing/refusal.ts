/** An error of Convex itself, not of a function. */
export interface Refusal {
  status: number;
  code: string;
  message: string;
}

export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.refusal = { status, code, message };
  }
}
