/** BBB's worker, as far as it matters here: a unit whose process keeps its groups, and calls the post publish scripts. */
import type { ProgramResult } from '../../support/program/run-program.ts';
import { bbbUser, type Recording } from './bbb.ts';
import type { Machine } from './machine.ts';

export const workerUnit = 'bbb-rap-resque-worker.service';
const jobs = '/var/bigbluebutton/jobs';
const program = '/usr/local/sbin/bbb-worker';
const unitFile = `/etc/systemd/system/${workerUnit}`;

const script = `#!/bin/bash
cd /usr/local/bigbluebutton/core/scripts
exec 9<>${jobs}/calls
while read -r -u 9 id format; do
  ruby post_publish/pilos_post_publish.rb -m "$id" -f "$format" >${jobs}/said 2>&1
  echo $? >${jobs}/status.new
  mv ${jobs}/status.new ${jobs}/status
done
`;

export async function startWorker(bbb: Machine): Promise<void> {
  await bbb.ask(
    `install -d -o ${bbbUser} ${jobs} && rm -f ${jobs}/* && mkfifo ${jobs}/calls
    chown ${bbbUser} ${jobs}/calls && cat > ${program} && chmod 755 ${program}
    printf '[Service]\\nUser=${bbbUser}\\nExecStart=${program}\\n' > ${unitFile}
    systemctl daemon-reload && systemctl restart ${workerUnit}`,
    { input: script },
  );
}

export async function removeWorker(bbb: Machine): Promise<void> {
  await bbb.ask(
    `systemctl stop ${workerUnit}; rm -rf ${unitFile} ${program} ${jobs}; systemctl daemon-reload`,
  );
}

/** BBB's call, by the process of the worker: it has the groups that the worker was started with. */
export async function callByWorker(
  bbb: Machine,
  { id, format }: Recording,
): Promise<Pick<ProgramResult, 'status' | 'stdout'>> {
  const said = await bbb.ask(
    `rm -f ${jobs}/status && echo ${id} ${format} > ${jobs}/calls
    until [ -e ${jobs}/status ]; do sleep 0.1; done; cat ${jobs}/status ${jobs}/said`,
    { seconds: 180 },
  );
  const [status = '', ...lines] = said.split('\n');
  return { status: Number(status), stdout: lines.join('\n') };
}

export async function readWorkerPid(bbb: Machine): Promise<string> {
  return (await bbb.ask(`systemctl show --property=MainPID --value ${workerUnit}`)).trim();
}
