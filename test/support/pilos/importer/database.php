<?php

/*
 * PILOS' database: JSON files in a directory that several processes change. Each recording has one of its own, so an
 * import takes as long with ten thousand of them as with one.
 */

final class Database
{
    public const MEETINGS = 'meetings.json';

    /** Of each archive whose import is at work, since when. */
    public const JOBS = 'jobs.json';

    public function __construct(private string $directory)
    {
        is_dir("$directory/recordings") || mkdir("$directory/recordings", 0777, true);
    }

    /** An id may have anything in it. */
    public static function recording(string $id): string
    {
        return 'recordings/' . sha1($id) . '.json';
    }

    public function read(string $file): array
    {
        return $this->change($file, fn (array &$content) => $content);
    }

    /**
     * Nobody else reads or writes while `$change` is given the content, by reference; returns what it returns.
     * Without content, there is no file.
     */
    public function change(string $file, callable $change): mixed
    {
        $lock = fopen("$this->directory/lock", 'c');
        flock($lock, LOCK_EX);
        $path = "$this->directory/$file";
        $before = self::readFile($path);
        $content = $before;
        $returned = $change($content);
        if ($content === []) {
            $before === [] || unlink($path);
        } elseif ($content !== $before) {
            // Whoever reads it without the lock finds it whole.
            file_put_contents("$this->directory/new", json_encode($content, JSON_THROW_ON_ERROR));
            rename("$this->directory/new", $path);
        }
        fclose($lock);

        return $returned;
    }

    public function knowsMeeting(string $meetingId): bool
    {
        $known = $this->read(self::MEETINGS);
        $isUsable = $meetingId !== '' && trim($meetingId) === $meetingId;

        return $isUsable && array_intersect([$meetingId, 'every meeting'], $known) !== [];
    }

    private static function readFile(string $path): array
    {
        clearstatcache();

        return is_file($path) ? json_decode(file_get_contents($path), true, flags: JSON_THROW_ON_ERROR) : [];
    }
}
