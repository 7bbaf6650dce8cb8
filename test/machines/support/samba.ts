/** The storage server as a Samba server, and how the other machines mount its share. */
import type { Machine } from './machine.ts';
import { mountPoint } from './storage.ts';

const configuration = `[global]
server role = standalone server
map to guest = Bad User
disable netbios = yes
[storage]
path = /srv/storage
guest ok = yes
read only = no
force user = nobody
force group = pilos-spool
create mask = 0664
directory mask = 2775
`;
// What the clients show: BBB's user and PILOS' web server both write by the group.
const options = 'guest,vers=3.1.1,gid=2000,file_mode=0664,dir_mode=02775,noperm,hard';

export async function shareSpool(storage: Machine, clients: readonly Machine[]): Promise<void> {
  await storage.ask('cat > /etc/samba/smb.conf && systemctl unmask smbd && systemctl start smbd', {
    input: configuration,
  });
  for (const client of clients)
    await client.ask(`mount -t cifs //10.9.0.1/storage ${mountPoint} -o ${options}`, { seconds: 120 });
}

export async function unshareSpool(storage: Machine, clients: readonly Machine[]): Promise<void> {
  for (const client of clients) await client.ask(`umount ${mountPoint}`);
  await storage.ask('systemctl stop smbd; systemctl mask smbd');
}
