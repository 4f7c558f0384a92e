// How the SMTP door hands mail on: the closed lists of words that its configuration takes.

/** How the backend learns who the client is; auto: XCLIENT if it is offered, else XFORWARD, else not at all. */
export const identifyWays = ['auto', 'xclient', 'xforward', 'proxy', 'none'] as const;
export type IdentifyWay = (typeof identifyWays)[number];

/** As Postfix's smtp_tls_security_level: may is never a reason to fail, verify wants a certificate for the name. */
export const tlsLevels = ['none', 'may', 'encrypt', 'verify'] as const;
export type TlsLevel = (typeof tlsLevels)[number];

export const backendProtocols = ['smtp', 'lmtp'] as const;
export type BackendProtocol = (typeof backendProtocols)[number];

/** What becomes of a bare LF, a bare CR or NUL in a message: 550, or CRLF and blanks in their places. */
export const bareNewlineWays = ['reject', 'normalize'] as const;
export type BareNewline = (typeof bareNewlineWays)[number];
