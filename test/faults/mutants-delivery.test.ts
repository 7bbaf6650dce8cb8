import { itNotices } from '../support/faults-mutant-checks.ts';
import { deliveryMutants } from '../support/faults-mutants-delivery.ts';

itNotices('the delivery', deliveryMutants);
