// A door of the configuration, ready to listen: the words of the file become the settings of the door.

import type { DoorConfig } from './config.ts';
import { milterDoor } from './doors/milter/server.ts';
import { policyDoor } from './doors/policy/server.ts';
import { type SmtpSettings, smtpDoor } from './doors/smtp/server.ts';
import type { Gate } from './gate.ts';
import type { Door } from './listen.ts';
import type { DoorTls } from './load.ts';
import type { Logger } from './log.ts';

export interface OpenDoorParts {
  /** The name under which we serve. */
  readonly name: string;
  readonly gate: Gate;
  readonly log: Logger;
  readonly tls: DoorTls | undefined;
}

export function openDoor(config: DoorConfig, { name, gate, log, tls = {} }: OpenDoorParts): Door {
  if (config.kind === 'policy') return policyDoor({ gate, log, authservId: name });
  if (config.kind === 'milter') return milterDoor({ gate, log, authservId: name });
  const { servers, protocol, identify, tls: level, tls_name: tlsName } = config.backend;
  const asksClients = config.tls?.ask_clients ?? false;
  const { certificate, backendCa: tlsCa } = tls;
  const door = smtpDoor({
    gate,
    log,
    name,
    backend: { servers, ...given({ protocol, identify, tls: level, tlsName, tlsCa }) },
    settings: {
      ...settingsOf(config),
      ...given({ certificate: certificate && { ...certificate.pair(), asksClients } }),
    },
  });
  certificate?.follow({
    onChange: (pair) => {
      door.useCertificate({ ...pair, asksClients });
      log.info({ file: config.tls?.certificate }, 'certificate is in use');
    },
    onTrouble: (problems) => log.error({ problems }, 'certificate has mistakes: the old one stays in use'),
  });
  return door;
}

function settingsOf(config: Extract<DoorConfig, { kind: 'smtp' }>): SmtpSettings {
  const { proxy, xclient, greeting_delay: greetingDelayMs, bare_newline: bareNewline, received, limits = {} } = config;
  const { connections, per_address: perAddress, per_network: perNetwork, recipients, message: messageOctets } = limits;
  return {
    ...given({ proxy, xclient, greetingDelayMs, bareNewline, received }),
    limits: given({ connections, perAddress, perNetwork, recipients, messageOctets }),
  };
}

/** Without the keys whose value is undefined: the door has defaults for what is absent. */
function given<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
