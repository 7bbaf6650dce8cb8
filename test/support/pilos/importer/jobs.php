<?php

/* PILOS' queue of imports: one job for each name in the spool, and workers that run several at once. */

require_once __DIR__ . '/import-archive.php';

final class Jobs
{
    private Disk $spool;
    private Disk $recordings;
    private Database $database;

    public function __construct(private array $options)
    {
        $this->spool = new Disk($options['spool']);
        $this->recordings = new Disk("{$options['store']}/recordings");
        $this->database = new Database("{$options['store']}/database");
    }

    /** Names of the archives to be imported: those at the top and in public/, and those that are tried again. */
    public function collect(): array
    {
        $public = array_map(fn ($name) => "public/$name", $this->spool->files('public'));
        $isArchive = fn (string $name) => str_ends_with($name, '.tar');
        $found = array_filter([...$this->spool->files(''), ...$public], $isArchive);

        return $this->database->change(Database::JOBS, function (array &$jobs) use ($found): array {
            foreach ($found as $archive) {
                $jobs[$archive] ??= microtime(true);
            }

            return array_keys($jobs);
        });
    }

    /** One try of one import, in a process of its own; returns what became of it. */
    public function attempt(string $archive): array
    {
        if (! $this->isThere($archive)) {
            return ['result' => 'gone', 'reason' => null, 'formats' => []];
        }
        $file = $this->spool->path($archive);
        $started = microtime(true);
        $facts = ['waited' => $started - filemtime($file), 'size' => filesize($file)];
        $pause = fn () => $this->pause($archive);
        $import = new Import($this->spool, $this->recordings, $this->database, $pause);
        try {
            $isDeleted = $import->run($archive);
            $facts += ['result' => 'imported', 'reason' => null, 'isDeleted' => $isDeleted];
        } catch (NoMeeting $refused) {
            $facts += ['result' => 'refused', 'reason' => $refused->getMessage()];
        } catch (Throwable $exception) {
            $reason = get_class($exception) . ': ' . $exception->getMessage();
            $facts += ['result' => 'exception', 'reason' => $reason];
        }

        return $facts + ['formats' => $import->formats, 'seconds' => microtime(true) - $started];
    }

    /** Ends the job, or leaves it for the next round; the report then also says when the patience was over. */
    public function settle(string $archive, array $report): array
    {
        $since = $this->database->read(Database::JOBS)[$archive];
        $isOver = microtime(true) - $since >= $this->options['retrySeconds'];
        if ($report['result'] === 'exception' && ! $isOver) {
            return $report;
        }
        if ($report['result'] === 'exception') {
            $report['result'] = 'refused';
        }
        if ($report['result'] === 'refused') {
            $this->refuse($archive);
        }
        $this->database->change(Database::JOBS, function (array &$jobs) use ($archive): void {
            unset($jobs[$archive]);
        });

        return $report;
    }

    /** A job whose archive lies only in failed/ was started again by an admin: PILOS takes it back. */
    private function isThere(string $archive): bool
    {
        if ($this->spool->exists($archive)) {
            return true;
        }

        return $this->spool->exists("failed/$archive") && $this->spool->move("failed/$archive", $archive);
    }

    private function refuse(string $archive): void
    {
        try {
            $this->spool->move($archive, "failed/$archive");
        } catch (Exception) {
            // Without failed/ it stays where it is, and PILOS begins anew with it.
        }
    }

    /** Time in which the archive has been read, and is not deleted yet. */
    private function pause(string $archive): void
    {
        usleep(random_int(0, 1000 * $this->options['pauseMilliseconds']));
        $hold = "{$this->options['store']}/hold";
        clearstatcache();
        if (file_exists($hold)) {
            fwrite(STDOUT, json_encode(['holding' => $archive]) . "\n");
        }
        while (file_exists($hold)) {
            usleep(2000);
            clearstatcache();
        }
    }
}
