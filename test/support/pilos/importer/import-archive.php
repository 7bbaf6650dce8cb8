<?php

/* PILOS' import of one archive. */

require_once __DIR__ . '/disk.php';
require_once __DIR__ . '/database.php';

/** PILOS has no meeting for a recording: the archive is refused at once. */
final class NoMeeting extends Exception
{
}

final class Import
{
    /** What was read of each metadata.xml, where PILOS keeps the format, and whether it got there. */
    public array $formats = [];

    /** @param Closure $beforeDeleting called when all was read, and the archive is still there */
    public function __construct(
        private Disk $spool,
        private Disk $recordings,
        private Database $database,
        private Closure $beforeDeleting,
    ) {
    }

    /**
     * @return bool whether the archive could be deleted
     *
     * @throws NoMeeting
     * @throws Throwable the import is tried again
     */
    public function run(string $archive): bool
    {
        // Named after the archive: what an earlier try has left there is taken for a part of it.
        $temp = 'temp/' . pathinfo($archive, PATHINFO_FILENAME);
        try {
            $this->unpack($archive, $temp);
            foreach ($this->recordings->allFiles($temp) as $file) {
                if (str_ends_with($file, 'metadata.xml')) {
                    $this->importFormat($file, $temp, str_starts_with($archive, 'public/'));
                }
            }
        } catch (NoMeeting $refused) {
            throw $refused;
        } catch (Exception $exception) {
            // After an Error of PHP, as an empty metadata.xml causes, nobody cleans up.
            $this->recordings->deleteDirectory($temp);
            throw $exception;
        }
        ($this->beforeDeleting)();
        $isDeleted = $this->spool->delete($archive);
        $this->recordings->deleteDirectory($temp);

        return $isDeleted;
    }

    private function unpack(string $archive, string $temp): void
    {
        $phar = new PharData($this->spool->path($archive));
        $phar->extractTo($this->recordings->path($temp), null, true);
    }

    private function importFormat(string $file, string $temp, bool $isPublic): void
    {
        $metadata = self::readMetadata(simplexml_load_string($this->recordings->read($file)));
        $this->addRecording($metadata, $isPublic);
        $this->addFormat($metadata, self::withoutHost($metadata['link']));
        $path = "{$metadata['id']}/{$metadata['format']}";
        $directory = dirname($file);
        $isMoved = $this->recordings->move($directory, $path);
        $this->formats[] = [
            'directory' => substr($directory, strlen($temp) + 1),
            'storedIn' => $this->recordings->path(Disk::normalize($path)),
            'isMoved' => $isMoved,
        ] + $metadata;
    }

    /** Of false, what an empty text is parsed to, PHP makes a TypeError. */
    private static function readMetadata(SimpleXMLElement $xml): array
    {
        return [
            'id' => (string) $xml->id,
            'startTime' => (int) $xml->start_time,
            'endTime' => (int) $xml->end_time,
            'meetingId' => (string) $xml->meta->meetingId,
            'meetingName' => (string) $xml->meta->meetingName,
            'format' => (string) $xml->playback->format,
            'link' => (string) $xml->playback->link,
        ];
    }

    /** PILOS serves the recording itself. A link without a path is a warning, and so an exception. */
    private static function withoutHost(string $link): string
    {
        $parts = parse_url($link);
        $query = isset($parts['query']) ? "?{$parts['query']}" : '';
        $fragment = isset($parts['fragment']) ? "#{$parts['fragment']}" : '';

        return $parts['path'] . $query . $fragment;
    }

    private function addRecording(array $metadata, bool $isPublic): void
    {
        ['id' => $id, 'meetingId' => $meetingId] = $metadata;
        if (! $this->database->knowsMeeting($meetingId)) {
            throw new NoMeeting("no meeting '$meetingId'");
        }
        $new = compact('id', 'meetingId') + ['access' => $isPublic ? 'everyone' : 'owner', 'formats' => []];
        $this->database->change(Database::recording($id), function (array &$recording) use ($new): void {
            $recording += $new;
        });
    }

    private function addFormat(array $metadata, string $url): void
    {
        ['id' => $id, 'format' => $format] = $metadata;
        $this->database->change(Database::recording($id), function (array &$recording) use ($format, $url): void {
            $recording['formats'][$format] = $url;
        });
    }
}
