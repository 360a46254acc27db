// What a user gets wrong.

/** Something failed: one line, exit code 1. */
export class Failure extends Error {}

/** The program was called in a way that it can't be: exit code 2. */
export class WrongUsage extends Error {}
