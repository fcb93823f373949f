namespace ReplicationEngine.Actors.Entities;

/// <summary>A message that may go to another node, and so needs a form outside the process.</summary>
internal interface IClusterMessage;
