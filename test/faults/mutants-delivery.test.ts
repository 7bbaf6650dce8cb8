import { itNotices } from './support/mutant-checks.ts';
import { deliveryMutants } from './support/mutants-delivery.ts';

itNotices('the delivery', deliveryMutants);
