import { itNotices } from './support/mutant-checks.ts';
import { spoolMutants } from './support/mutants-spool.ts';

itNotices('the mounted spool', spoolMutants);
