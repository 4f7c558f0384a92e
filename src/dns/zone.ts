// A zone in memory, answering like the network would, at once.

import { askZone, type Zone } from '../core/zone.ts';
import type { Resolver } from './resolver.ts';

export function zoneResolver(zone: Zone): Resolver {
  return { lookup: async (name, type) => askZone(zone, name, type) };
}
