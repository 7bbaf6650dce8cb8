/** Several spools behind one: a sub directory in `spool_dirs` goes to the top of an address of its own. */
import type { Spool } from './spool.ts';

/** @param others by sub directory; all that is not named there goes to `main` */
export function routeSpools(main: Spool, others: ReadonlyMap<string, Spool>): Spool {
  if (others.size === 0) return main;
  const route = (subDir: string): [Spool, string] => {
    const other = others.get(subDir);
    return other === undefined ? [main, subDir] : [other, ''];
  };
  return {
    destination: (wanted) => {
      const [spool, subDir] = route(wanted);
      return spool.destination(subDir);
    },
    location: (wanted) => {
      const [spool, subDir] = route(wanted);
      return spool.location(subDir);
    },
    lanes: (wanted) => {
      const [spool, subDir] = route(wanted);
      return spool.lanes(subDir);
    },
    deliver: (parcel) => {
      const [spool, subDir] = route(parcel.subDir);
      return spool.deliver({ ...parcel, subDir });
    },
    describeDelivery: (parcel) => {
      const [spool, subDir] = route(parcel.subDir);
      return spool.describeDelivery({ ...parcel, subDir });
    },
    removeCut: (wanted, names, watcher) => {
      const [spool, subDir] = route(wanted);
      return spool.removeCut(subDir, names, watcher);
    },
    readWaiting: (wanted, watcher) => {
      const [spool, subDir] = route(wanted);
      return spool.readWaiting(subDir, watcher);
    },
    readArchives: (wanted, ...question) => {
      const [spool, subDir] = route(wanted);
      return spool.readArchives(subDir, ...question);
    },
  };
}
