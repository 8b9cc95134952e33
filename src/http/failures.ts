// Names what went wrong with a call, in words for people, without the URL's path, its query or anything secret.
import { SerinError, TransientError } from '../errors.ts';

/** Codes of Node and OpenSSL, and what they mean to a person. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed by the other side',
  ECONNABORTED: 'connection closed by the other side',
  ERR_BAD_RESPONSE: 'connection closed by the other side',
  ERR_STREAM_PREMATURE_CLOSE: 'connection closed before the answer was complete',
  EPIPE: 'connection closed by the other side',
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name service does not answer',
  ETIMEDOUT: 'the host does not answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EPROXY: 'the proxy refused the connection',
  HPE_HEADER_OVERFLOW: 'the headers of the answer are too large',
  Z_DATA_ERROR: 'the answer is not validly compressed',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate chain ends in an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is of an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is of an unknown authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
  EPROTO: 'the TLS handshake failed',
};

const TLS = /^(CERT_|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO$|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** The first code found in an error or its causes; UNKNOWN when there is none. */
function codeOf(error: unknown): string {
  let code = 'UNKNOWN';
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    // The innermost code is the plainest one: axios puts codes of its own around Node's.
    if ('code' in at && typeof at.code === 'string' && (code === 'UNKNOWN' || !at.code.startsWith('ERR_BAD')))
      code = at.code;
  }
  return code;
}

/** Turns whatever a call threw into an error of the taxonomy. No cause is kept, because axios' errors carry URL, headers and body. */
export function describeFailure(error: unknown, host: string, purpose: string): SerinError {
  if (error instanceof SerinError) return error;
  const code = codeOf(error);
  const isTls = TLS.test(code);
  const words =
    WORDS[code] ??
    (code.startsWith('HPE_') ? 'the answer is not HTTP' : isTls ? 'the TLS handshake failed' : 'the call failed');
  return new TransientError(
    isTls ? 'IO_TLS' : 'IO_NETWORK',
    `Cannot reach "${host}" for ${purpose}: ${words} (${code})`,
  );
}

/** The deadline passed. */
export function timedOut(host: string, purpose: string, timeoutMs: number): TransientError {
  return new TransientError(
    'IO_TIMEOUT',
    `Cannot get an answer from "${host}" for ${purpose}: none within ${timeoutMs} ms`,
  );
}

/** The caller gave up. */
export function cancelled(host: string, purpose: string): TransientError {
  return new TransientError('IO_NETWORK', `Cannot finish the call to "${host}" for ${purpose}: it was cancelled`);
}

/** The body is longer than asked for. */
export function tooLarge(host: string, purpose: string, bytesMax: number): TransientError {
  return new TransientError(
    'IO_TOO_LARGE',
    `Cannot read the answer of "${host}" for ${purpose}: longer than ${bytesMax} bytes`,
  );
}
