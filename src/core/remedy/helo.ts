// Remedies for what the server says in HELO (RFC 5321 s2.3.5, s4.1.1.1, s4.1.3): a form that names nobody, or a name that the
// DNS does not know or knows elsewhere. Its own address literal is in order. Nothing is said where no HELO is known.

import type { Remarks } from '../answer.ts';
import type { Evidence } from '../evidence.ts';
import type { Findings } from '../findings.ts';
import { type Helo, type HeloDns, type HeloForm, heloDnsWords, heloForms } from '../helo.ts';
import type { HostName } from '../name.ts';
import { type Advice, wayOf } from './advice.ts';
import { claimed } from './forward.ts';
import { foreignText, isTemplate, listed, placeholder } from './name.ts';
import { addressRecord, addressType, domainOf, otherType } from './record.ts';
import type { Remedy } from './remedy.ts';
import { trouble } from './trouble.ts';

/** Forms that name nobody. */
type BadForm = Exclude<HeloForm, 'absent' | 'literal' | 'fqdn'>;
/** What the DNS may say of a name that does not lead to the client. */
type BadDns = Exclude<HeloDns, 'client' | 'not-asked'>;
export type HeloReason = `helo-${BadForm | BadDns}`;

const forms = {
  localhost: 'which every machine calls itself, so it names none',
  'bare-ip':
    'an address without the brackets that would make it a literal (RFC 5321 s4.1.3), and an address is no name anyway',
  'other-literal': 'the address of another host',
  ours: 'which is the server that it talks to, and not itself',
  'not-fqdn': 'a name without a domain, which nobody else can look up',
  unicode: 'in letters beyond ASCII, where a name has its A-labels, "xn--..." (RFC 6531 s3.7.1)',
  invalid: 'which is neither a host name nor an address literal',
} as const satisfies Record<BadForm, string>;

const outcomes = {
  nowhere: ({ reason }, type) => `it leads nowhere (${reason === 'nodata' ? `no ${type} record` : 'NXDOMAIN'})`,
  elsewhere: (_, __, { client, helo }) =>
    `it leads to ${helo?.addresses.kind === 'records' ? listed(helo.addresses.records) : 'others'}, not to ${client.ip}`,
  'other-family': (_, type, { client, helo }) =>
    `it has no ${type} record, only ${otherType(client.ip)} (${helo?.other?.kind === 'records' ? listed(helo.other.records) : 'others'})`,
} as const satisfies Record<Exclude<BadDns, 'temperror'>, (found: Helo, type: string, evidence: Evidence) => string>;

export const heloReasons: readonly HeloReason[] = [
  ...heloForms.filter((form) => form !== 'absent' && form !== 'literal' && form !== 'fqdn'),
  ...heloDnsWords.filter((word) => word !== 'client' && word !== 'not-asked'),
].map((word): HeloReason => `helo-${word}`);

/** One at most: a form that names nobody is mended first. */
export function heloRemedy(evidence: Evidence, findings: Findings): readonly Remedy[] {
  const { form, dns, name } = findings.helo;
  if (form === 'absent' || form === 'literal') return [];
  if (form !== 'fqdn') return [{ reason: `helo-${form}`, ...ofForm(form, evidence, findings) }];
  if (dns === 'client' || dns === 'not-asked' || name === undefined) return [];
  if (dns === 'temperror') return [{ reason: 'helo-temperror', ...failed(name, evidence, findings) }];
  const came = outcomes[dns](findings.helo, addressType(evidence.client.ip), evidence);
  return [{ reason: `helo-${dns}`, ...ofName(name, came, evidence, findings) }];
}

function ofForm(form: BadForm, evidence: Evidence, findings: Findings): Advice {
  const { ip, helo = '' } = evidence.client;
  const own = ownName(evidence, findings);
  const type = addressType(ip);
  const instead =
    own === undefined
      ? `its own name, such as ${placeholder}, whose ${type} record leads to ${ip}`
      : `${own}, which leads back already`;
  return {
    owner: 'server operator',
    says: `In HELO the server calls itself ${foreignText(helo)}, ${forms[form]}. RFC 5321 s4.1.1.1 wants its full host name there. Who runs the mail server sets it to ${instead}: ${settings}.`,
    ways: [],
    verify: [`dig +short ${own ?? placeholder} ${type}`],
  };
}

function ofName(said: HostName, came: string, evidence: Evidence, findings: Findings): Advice {
  const { ip } = evidence.client;
  const type = addressType(ip);
  const own = ownName(evidence, findings);
  const instead =
    own === undefined
      ? ''
      : ` If that is not its name, who runs the mail server sets HELO to ${own}, which leads back already: ${settings}.`;
  // The PTR record claims the same name, and its missing address stands there.
  const mended = findings.iprev.result === 'fail' && claimed(evidence) === said;
  const says = `If ${said} is this server's name, the owner of the domain adds the address to it:`;
  return {
    owner: 'domain owner',
    says: `In HELO the server calls itself ${said}, and ${type} ${said} was looked up: ${came}. A name in HELO should be one that leads to the server (RFC 5321 s2.3.5).${mended ? ` The ${type} record above mends that too.` : instead}`,
    ways: mended ? [] : [wayOf('domain owner', says, [addressRecord(said, ip)])],
    verify: [`dig +short ${said} ${type}`],
  };
}

function failed(name: HostName, evidence: Evidence, { helo }: Findings): Advice {
  const { addresses, other } = evidence.helo ?? {};
  const type = addresses?.kind === 'error' ? addressType(evidence.client.ip) : otherType(evidence.client.ip);
  const code =
    helo.reason === undefined || helo.reason === 'nxdomain' || helo.reason === 'nodata' ? 'timeout' : helo.reason;
  const question = `In HELO the server calls itself ${name}. ${type} ${name}`;
  const said: Remarks = (addresses?.kind === 'error' ? addresses : other) ?? {};
  return trouble(code, { question, dig: `${name} ${type}`, zone: domainOf(name) }, said);
}

const settings =
  'myhostname or smtp_helo_name in Postfix, primary_hostname in Exim, confDOMAIN_NAME in Sendmail, the FQDN of the send connector in Exchange';

/** The confirmed name, if it is the sender's own. */
function ownName(evidence: Evidence, { iprev }: Findings): HostName | undefined {
  return iprev.result === 'pass' ? iprev.names.find((name) => !isTemplate(evidence, name)) : undefined;
}
