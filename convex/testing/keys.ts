/** Who calls, and what they may do. */

import { RefusedError } from './refusal';

export type Kind = 'query' | 'mutation' | 'action';

/** Whoever called, on which deployment. */
export interface Caller {
  deployment: string;
  /** The kinds of internal functions they may run; undefined for those without a key. */
  internal: Kind[] | undefined;
}

/** A key is `prod:DEPLOYMENT|SECRET`, or without `prod:`. These are the secrets of every deployment here. */
const SECRETS: Record<string, Kind[]> = {
  'all-rights-of-a-deployment': ['query', 'mutation', 'action'],
  'queries-and-mutations-only': ['query', 'mutation'],
  'queries-only': ['query'],
  'deploying-only': [],
};

const PERMISSION: Record<Kind, string> = {
  query: 'deployment:functions:runInternalQueries',
  mutation: 'deployment:functions:runInternalMutations',
  action: 'deployment:functions:runInternalActions',
};

/** The deployment that calls without a key go to. */
export const PUBLIC = 'public';

export function callerOf(header: string | undefined): Caller {
  if (!header) return { deployment: PUBLIC, internal: undefined };
  if (/^bearer /i.test(header)) {
    throw new RefusedError(401, 'NoAuthProvider', 'No auth provider found matching the given token.');
  }
  if (!/^convex /i.test(header)) throw new RefusedError(400, 'InvalidHeaderFailure', 'Invalid authentication header');
  const [, deployment, secret = ''] = /^(?:prod:)?([a-z0-9-]+)\|(.*)$/.exec(header.slice('convex '.length)) ?? [];
  const internal = Object.hasOwn(SECRETS, secret) ? SECRETS[secret] : undefined;
  if (!deployment || !internal) {
    throw new RefusedError(401, 'BadAdminKey', 'The provided admin key was invalid for this instance');
  }
  return { deployment, internal };
}

/** Refuses those who have a key that does not allow this. Who has none is not told that the function exists. */
export function checkPermission(internal: Kind[], kind: Kind): void {
  if (!internal.includes(kind)) {
    const message = `You do not have permission to perform this operation (${PERMISSION[kind]}).`;
    throw new RefusedError(403, 'OperationNotPermitted', message);
  }
}
