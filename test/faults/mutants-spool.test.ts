import { itNotices } from '../support/faults-mutant-checks.ts';
import { spoolMutants } from '../support/faults-mutants-spool.ts';

itNotices('the mounted spool', spoolMutants);
